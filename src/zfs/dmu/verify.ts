/**
 * Everything that can be said against a send stream without a pool, in one reading: frame and checksums (check.ts) of the bytes as they pass,
 * the sense of every record (sanity.ts), and how the streams of a package follow each other (guid-chain.ts). Payloads are looked at only for
 * their checksum.
 */
import { drain, type ByteStream } from "../../stream/bytes.ts";
import { emptySummary, StreamCheck } from "./check.ts";
import type { StreamPortrait } from "./describe.ts";
import { GuidChain } from "./guid-chain.ts";
import { RecordScan } from "./record-scan.ts";
import { checkRecord, newSanityState } from "./sanity.ts";
import type { StreamRecord } from "./stream-record.ts";

const MAGIC_AT = 8;
const MAGIC = 0x2f5bacbacn;

/** Bytes that {@link beginsStream} has to see. */
export const STREAM_START_BYTES: number = MAGIC_AT + 8;

/** Whether these are the first bytes of a send stream: a BEGIN record, in either byte order. */
export function beginsStream(bytes: Uint8Array): boolean {
  if (bytes.length < STREAM_START_BYTES) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return view.getUint32(0) === 0 && [true, false].some((little) => view.getBigUint64(MAGIC_AT, little) === MAGIC);
}

/**
 * Reads a stream to its end.
 *
 * @param portrait is given the records, up to about where one is wrong
 * @param what what messages call the stream
 * @throws ToolError damaged at the first thing that is wrong, with the offset in the stream; what the source threw
 */
export async function verifyStream(source: ByteStream, portrait: StreamPortrait, what: string): Promise<void> {
  await drain(verifiedStream(source, what, (record) => portrait.take(record)));
}

/**
 * Passes a stream through while checking it; no chunk passes in which something is found to be wrong.
 *
 * @param what what messages call the stream
 * @param take is given the records
 * @throws ToolError damaged at the first thing that is wrong, with the offset in the stream; what `take` threw
 */
export async function* verifiedStream(source: ByteStream, what: string, take: (record: StreamRecord) => void): ByteStream {
  using check = new StreamCheck(what, emptySummary());
  const sanity = newSanityState(what);
  const chain = new GuidChain(what);
  const scan = new RecordScan(what, (record) => {
    checkRecord(record, sanity);
    if (record.kind === "begin") chain.take(record);
    take(record);
  });
  for await (const chunk of source) {
    check.feed(chunk);
    scan.feed(chunk);
    yield chunk;
  }
  check.finish();
}
