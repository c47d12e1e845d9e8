/** Attacks by ZFS streams, which `zfs recv` would be given. Refused by the check of streams, before the END record passes. */
import { REFUSED, type Attack } from "../attack.ts";
import { archive, GOOD } from "../craft.ts";
import { begin, END, realStream, records, type RecordSketch } from "../../support/dmu.ts";

const WRITE: RecordSketch = { type: 3, fields: [[32, 8, 4096]], payloadBytes: 4096 };
const REAL = realStream("p.full.s1");

function stream(name: string, bytes: Uint8Array): Attack {
  const metadata = GOOD.metadata.replace("format: tar", "format: zfs");
  return { name, exit: REFUSED, make: () => archive({ metadata, base: { name: "rootfs/base.dat", data: bytes } }) };
}

/** The attacks. */
export const STREAMS: readonly Attack[] = [
  stream("no record", new Uint8Array(0)),
  stream("a text", Buffer.alloc(1000, "no stream ")),
  stream("zeros", Buffer.alloc(10_000)),
  stream("a stream without its first record", REAL.subarray(312)),
  stream("a stream that is cut in a record", REAL.subarray(0, REAL.length - 500)),
  stream("a stream without its END record", REAL.subarray(0, REAL.length - 312)),
  stream("a second stream behind the first", Buffer.concat([REAL, REAL])),
  stream("a shell script behind the stream", Buffer.concat([REAL, Buffer.from("#!/bin/sh\n")])),
  stream("a record of an unknown type", records([begin(), { type: 200 }, END])),
  stream("a payload of 8 EiB", records([begin(), { type: 3, fields: [[32, 8, 2n ** 63n - 1n]] }, END])),
  stream("a payload of 1 TiB", records([begin(), { type: 3, fields: [[32, 8, 2n ** 40n]] }, END])),
  stream("a package in a package", records([begin({ compound: true }), END, begin({ compound: true }), END])),
  stream("data before the streams of a package", records([begin({ compound: true }), WRITE, END])),
];
