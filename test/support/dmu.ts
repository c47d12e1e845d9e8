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

/** Encodes records. */
export function records(sketches: readonly RecordSketch[], littleEndian = true): Buffer {
  return Buffer.concat(
    sketches.flatMap(({ type, fields = [], payloadBytes = 0 }) => {
      const view = new DataView(new ArrayBuffer(312));
      view.setUint32(0, type, littleEndian);
      for (const [at, bytes, value] of fields) {
        if (bytes === 1) view.setUint8(at, Number(value));
        else if (bytes === 4) view.setUint32(at, Number(value), littleEndian);
        else view.setBigUint64(at, BigInt(value), littleEndian);
      }
      // a payload that no record looks like
      return [new Uint8Array(view.buffer), Buffer.alloc(payloadBytes, 0xee)];
    }),
  );
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
