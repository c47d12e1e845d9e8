/** ZFS streams for tests: real ones, and records made by hand. */
import * as fs from "node:fs";
import { gunzipSync } from "node:zlib";

/** Streams of OpenZFS 2.1 in test/fixtures/streams, named after the options of `zfs send` that made them. */
export const REAL_STREAMS = ["p.full.s1", "p.incr-I.s1-s3", "lz4.full-c.s1", "w.full-w.s1"] as const;

/** Reads a stream of test/fixtures/streams. */
export function realStream(name: (typeof REAL_STREAMS)[number]): Buffer {
  return gunzipSync(fs.readFileSync(new URL(`../fixtures/streams/${name}.zfs.gz`, import.meta.url)));
}

/** A field of a record: where it stands, how many bytes it has. */
type Field = readonly [at: number, bytes: 1 | 4 | 8, value: number | bigint];

/** A record and its payload. */
export interface RecordSketch {
  type: number;
  fields?: readonly Field[];
  payloadBytes?: number;
}

/** Encodes records; each END carries the checksum of what is before it, the one at the end of a package none. */
export function records(sketches: readonly RecordSketch[], littleEndian = true): Buffer {
  const parts: Uint8Array[] = [];
  let sum: Sums = ZERO;
  for (const { type, fields = [], payloadBytes = 0 } of sketches) {
    const view = new DataView(new ArrayBuffer(312));
    const u64 = (at: number, value: bigint): void => view.setBigUint64(at, value, littleEndian);
    view.setUint32(0, type, littleEndian);
    for (const [at, bytes, value] of fields) {
      if (bytes === 1) view.setUint8(at, Number(value));
      else if (bytes === 4) view.setUint32(at, Number(value), littleEndian);
      else u64(at, BigInt(value));
    }
    if (type === BEGIN) sum = ZERO;
    if (type === END.type) sum.forEach((value, index) => u64(8 + index * 8, value));
    // a payload that no record looks like
    const bytes = [new Uint8Array(view.buffer), Buffer.alloc(payloadBytes, 0xee)];
    sum = type === END.type ? ZERO : bytes.reduce((before, part) => fletcher4(part, littleEndian, before), sum);
    parts.push(...bytes);
  }
  return Buffer.concat(parts);
}

type Sums = readonly [bigint, bigint, bigint, bigint];
const ZERO: Sums = [0n, 0n, 0n, 0n];
const BEGIN = 0;

/** Fletcher-4 as its definition has it, slowly. */
export function fletcher4(bytes: Uint8Array, littleEndian: boolean, [a, b, c, d]: Sums = ZERO): Sums {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += 4) {
    a = BigInt.asUintN(64, a + BigInt(view.getUint32(at, littleEndian)));
    b = BigInt.asUintN(64, b + a);
    c = BigInt.asUintN(64, c + b);
    d = BigInt.asUintN(64, d + c);
  }
  return [a, b, c, d];
}

/** A BEGIN record. */
export function begin(options: { compound?: boolean; toGuid?: bigint; fromGuid?: bigint; payloadBytes?: number } = {}): RecordSketch {
  const { compound = false, toGuid = 5n, fromGuid = 0n, payloadBytes = 0 } = options;
  const fields: Field[] = [
    [4, 4, payloadBytes],
    [8, 8, 0x2f5bacbacn],
    [16, 8, compound ? 2 : 1],
    [40, 8, toGuid],
    [48, 8, fromGuid],
    [56, 1, 0x74], // "t@s"
    [57, 1, 0x40],
    [58, 1, 0x73],
  ];
  return { type: 0, fields, payloadBytes };
}

/** An END record. */
export const END: RecordSketch = { type: 5 };
