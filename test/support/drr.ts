/** Records whose fields have upstream's names (without `drr_`) and values that are right, for tests that change one. */
import { begin, END, records, type RecordSketch } from "./dmu.ts";

/** The guid that all records have. */
export const GUID = 5n;
const BIT = { dedup: 0, embed: 16, large: 19, resuming: 20, redacted: 21, compressed: 22, dnode: 23, raw: 24 } as const;
const SPILL_BLOCK = 8;
const END_OF_STREAM: RecordSketch = { ...END, fields: [[40, 8, GUID]] };

/** Fields of a record. */
export type Fields = NonNullable<RecordSketch["fields"]>;
type Changes = Record<string, number | bigint>;

/** BEGIN of a file system's stream. */
export function streamBegin(features: readonly (keyof typeof BIT)[] = [], changes: Fields = []): RecordSketch {
  const versionInfo = features.reduce((bits, name) => bits | (1n << BigInt(BIT[name] + 2)), 1n);
  const flags = features.includes("raw") ? SPILL_BLOCK : 0;
  return { ...begin(), fields: [...(begin().fields ?? []), [16, 8, versionInfo], [32, 4, 2], [36, 4, flags], ...changes] };
}

/** Makes a record: changed fields, bytes of payload. */
type Make = (changes?: Changes, payloadBytes?: number) => RecordSketch;

export const object: Make = maker(
  1,
  "object:8/8=7 type:16/4=19 bonustype:20/4=44 blksz:24/4=512 bonuslen:28/4=0 checksumtype:32/1=7 compress:33/1=15 dn_slots:34/1=1 " +
    "flags:35/1=0 raw_bonuslen:36/4=0 toguid:40/8=5 indblkshift:48/1=0 nlevels:49/1=0 nblkptr:50/1=0",
);
export const freeObjects: Make = maker(2, "firstobj:8/8=1 numobjs:16/8=2 toguid:24/8=5");
export const write: Make = maker(
  3,
  "object:8/8=7 type:16/4=19 offset:24/8=0 logical_size:32/8=512 toguid:40/8=5 checksumtype:48/1=7 flags:49/1=0 compressiontype:50/1=0 " +
    "compressed_size:96/8=0",
);
export const free: Make = maker(4, "object:8/8=7 offset:16/8=0 length:24/8=512 toguid:32/8=5");
export const byref: Make = maker(
  6,
  "object:8/8=7 offset:16/8=0 length:24/8=512 toguid:32/8=5 refguid:40/8=3 refobject:48/8=7 refoffset:56/8=0",
);
export const spill: Make = maker(
  7,
  "object:8/8=7 length:16/8=512 toguid:24/8=5 flags:32/1=0 compressiontype:33/1=0 compressed_size:40/8=0 type:84/4=44",
);
export const embedded: Make = maker(
  8,
  "object:8/8=7 offset:16/8=0 length:24/8=512 toguid:32/8=5 compression:40/1=15 etype:41/1=0 lsize:48/4=512 psize:52/4=16",
);
export const range: Make = maker(9, "firstobj:8/8=32 numslots:16/8=32 toguid:24/8=5 flags:68/1=0");
export const redact: Make = maker(10, "object:8/8=7 offset:16/8=0 length:24/8=512 toguid:32/8=5");

/** A stream of records, BEGIN with this payload. */
export function bytesOf(sketches: readonly RecordSketch[], payload: Uint8Array = new Uint8Array(0)): Buffer {
  const all = records([...sketches, END_OF_STREAM]);
  all.writeUInt32LE(payload.length, 4);
  return Buffer.concat([all.subarray(0, 312), payload, all.subarray(312)]);
}

/** Fields written as `position/bytes=value …`. */
export function fields(text: string): Fields {
  return text.split(" ").map((field) => {
    const [at = "", bytes = "", value = ""] = field.split(/[/=]/);
    return [Number(at), Number(bytes) as 1 | 4 | 8, BigInt(value)];
  });
}

/** @param layout `name:position/bytes=value …` */
function maker(type: number, layout: string): Make {
  const named = `payloadlen:4/4=0 ${layout}`.split(" ").map((field) => field.split(":") as [string, string]);
  return (changes = {}, payloadBytes = 0) => ({
    type,
    payloadBytes,
    fields: named.flatMap(([name, field]) => fields(field).map(([at, bytes, value]) => [at, bytes, changes[name] ?? value] as const)),
  });
}
