/** Real streams with records added or changed, and all checksums right again. */
import { Fletcher4 } from "../../src/zfs/dmu/fletcher4.ts";
import { RecordScan } from "../../src/zfs/dmu/record-scan.ts";
import type { StreamRecord } from "../../src/zfs/dmu/stream-record.ts";
import { fixtureStream } from "./stream-tree.ts";
import { OBJECT } from "./synthetic-stream.ts";
import { microZap } from "./zap.ts";
import { dirent } from "./zpl-files.ts";
import { OT, ZplStream } from "./zpl-stream.ts";

const RECORD_BYTES = 312;
const END_CHECKSUM_AT = 8;
const CHECKSUM_AT = 280;
const OBJECT_AT = 8;
const BLOCK_SIZE_AT = 24;
const OBJECT_GUID_AT = 40;
const DIRECTORY_TYPE = 4;
/** Of no file of the fixtures. */
const TOP = 5000;

/** A stream in which every checksum is what it has to be. */
export function resealed(stream: Uint8Array): Buffer {
  const bytes = Buffer.from(stream);
  const sum = new Fletcher4();
  const addTo = (from: number, to: number): void => sum.update(bytes.subarray(from, to));
  for (const { kind, offset, payloadBytes } of recordsIn(bytes)) {
    if (kind === "begin") sum.reset(true);
    if (kind === "end") write(bytes, offset + END_CHECKSUM_AT, sum);
    if (kind !== "begin") {
      addTo(offset, offset + CHECKSUM_AT);
      write(bytes, offset + CHECKSUM_AT, sum);
      addTo(offset + CHECKSUM_AT, offset + RECORD_BYTES + payloadBytes);
    } else addTo(offset, offset + RECORD_BYTES + payloadBytes);
  }
  return bytes;
}

/**
 * A fixture's stream with its tree moved into a directory `private`, as containers have it. Their master nodes are all the same, as are the
 * objects of their root directories.
 */
export function underPrivate(name: string): Buffer {
  const bytes = fixtureStream(name);
  const records = recordsIn(bytes);
  const [begin] = records;
  if (begin?.kind !== "begin" || begin.compound) throw new Error(`${name} is a package`);
  const { master, root, rootObject } = topOfFixtures();
  const stream = new ZplStream();
  stream.begin({ toGuid: begin.toGuid });
  rootObject.writeBigUInt64LE(begin.toGuid, OBJECT_GUID_AT);
  const zap = microZap([{ name: "private", value: dirent(root, DIRECTORY_TYPE) }]);
  const parts = records.flatMap((record) => {
    if (record.kind === "end") return [rootObject, stream.write(TOP, 0, zap, { type: OT.directory }), bytesOf(bytes, record)];
    const isMaster = (record.kind === "write" || record.kind === "writeEmbedded") && record.object === OBJECT.master;
    return isMaster ? stream.write(OBJECT.master, 0, master, { type: OT.master }) : bytesOf(bytes, record);
  });
  return resealed(Buffer.concat(parts));
}

/** Records of a stream, without payloads. */
export function recordsIn(stream: Uint8Array): StreamRecord[] {
  const records: StreamRecord[] = [];
  new RecordScan("a stream", (record) => void records.push(record)).feed(stream);
  return records;
}

function bytesOf(stream: Buffer, { offset, payloadBytes }: StreamRecord): Buffer {
  return stream.subarray(offset, offset + RECORD_BYTES + payloadBytes);
}

/** What leads to the tree of the fixtures: the master node with another root, that root's object, and which one it was. */
function topOfFixtures(): { master: Buffer; root: number; rootObject: Buffer } {
  const bytes = fixtureStream("p.full.s1");
  const records = recordsIn(bytes);
  const written = records.find((record) => record.kind === "write" && record.object === OBJECT.master);
  if (written === undefined) throw new Error("no master node");
  const master = Buffer.from(bytes.subarray(written.payloadOffset, written.payloadOffset + written.payloadBytes));
  const valueAt = master.indexOf("ROOT\0") - 14;
  const root = Number(master.readBigUInt64LE(valueAt));
  master.writeBigUInt64LE(BigInt(TOP), valueAt);
  const old = records.find((record) => record.kind === "object" && record.object === root);
  if (old === undefined) throw new Error("no root directory");
  const rootObject = Buffer.from(bytesOf(bytes, old));
  rootObject.writeBigUInt64LE(BigInt(TOP), OBJECT_AT);
  rootObject.writeUInt32LE(512, BLOCK_SIZE_AT);
  return { master, root, rootObject };
}

function write(bytes: Buffer, at: number, sum: Fletcher4): void {
  sum.sums().forEach((value, index) => bytes.writeBigUInt64LE(value, at + 8 * index));
}
