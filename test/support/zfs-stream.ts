/** Reads fixture streams record by record. */
import * as fs from "node:fs";
import { gunzipSync } from "node:zlib";
import { ToolError } from "../../src/errors.ts";
import { StreamSource } from "../../src/stream/stream-source.ts";
import { readRecords, type ReadRecordsOptions } from "../../src/zfs/dmu/record-reader.ts";
import type { StreamRecord } from "../../src/zfs/dmu/stream-record.ts";
import { streamOf } from "./tar.ts";

/** Streams of test/fixtures/streams; its README says what they are. */
export const ZFS_STREAMS = [
  "p.full.s1",
  "p.incr-I.s1-s3",
  "p.repl-R.s4",
  "lz4.full-c.s1",
  "gzip-9.full-ec.s1",
  "zstd.full-ec.s1",
  "lzjb.full-ec.s1",
  "zle.full-ec.s1",
  "L.full-Lec.s1",
  "w.full-w.s1",
] as const;

/** A stream's bytes. */
export function zfsStream(name: (typeof ZFS_STREAMS)[number]): Buffer {
  return fixture(`${name}.zfs`);
}

/** What `zstream dump -vv` says of a stream. */
export function zstreamDump(name: "p.repl-R.s4" | "L.full-Lec.s1" | "w.full-w.s1"): string {
  return fixture(`${name}.dump.txt`).toString("utf8");
}

/** All records of a stream that comes through a pipe, in chunks of these sizes. */
export async function recordsOf(
  bytes: Uint8Array,
  options: Omit<ReadRecordsOptions, "what"> & { chunkBytes?: readonly number[] } = {},
): Promise<StreamRecord[]> {
  const { chunkBytes, ...rest } = options;
  const read: StreamRecord[] = [];
  for await (const record of readRecords(new StreamSource(streamOf(bytes, chunkBytes)), { what: "tank/p@s1", ...rest })) read.push(record);
  return read;
}

/** What a ToolError `damaged` says, without what is before the reason; anything else is thrown again. */
export async function damageIn(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof ToolError && error.code === "damaged") return error.message.replace(/^Cannot [^:]*: /, "");
    throw error;
  }
  return "none";
}

function fixture(name: string): Buffer {
  return gunzipSync(fs.readFileSync(new URL(`../fixtures/streams/${name}.gz`, import.meta.url)));
}
