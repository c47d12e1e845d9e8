import { afterAll, beforeAll, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as zlib from "node:zlib";
import { readTemplate } from "../../scripts/bench/stream-template.ts";
import { StreamWriter } from "../../scripts/bench/stream-writer.ts";

const STREAM = path.join(import.meta.dirname, "../fixtures/streams/p.full.s1.zfs.gz");
const CHECKSUM_AT = 280;
const END_CHECKSUM_AT = 8;
const CHECKSUM_BYTES = 32;

let directory = "";
beforeAll(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-bench-stream-"));
});
afterAll(() => {
  fs.rmSync(directory, { recursive: true });
});

/** Writes the parts of the stream, without the checksums that the records hold. */
function rewrite(file: string): StreamWriter {
  const { begin, middle, end } = readTemplate(STREAM);
  end.record.fill(0, END_CHECKSUM_AT, END_CHECKSUM_AT + CHECKSUM_BYTES);
  const fd = fs.openSync(file, "w");
  const writer = new StreamWriter(fd);
  for (const { record, payload } of [begin, ...middle, end]) writer.write(record.fill(0, CHECKSUM_AT), payload);
  writer.flush();
  fs.closeSync(fd);
  return writer;
}

test("StreamWriter gives a stream the checksums that ZFS gave it", () => {
  const file = path.join(directory, "stream");
  const writer = rewrite(file);
  const original = zlib.gunzipSync(fs.readFileSync(STREAM));
  expect(Buffer.compare(fs.readFileSync(file), original)).toBe(0);
  expect(writer.bytes).toBe(original.length);
});

test("readTemplate finds a file to copy, and object numbers that are free", () => {
  const { file, middle, nextObject } = readTemplate(STREAM);
  const object = (record: Uint8Array): bigint => Buffer.from(record).readBigUInt64LE(8);
  expect(Buffer.from(file.object.record).readUInt32LE(16)).toBe(19); // DMU_OT_PLAIN_FILE_CONTENTS
  for (const part of [file.free, file.write]) expect(object(part.record)).toBe(object(file.object.record));
  for (const { record } of middle) expect(object(record) < BigInt(nextObject)).toBe(true);
});
