/** What a run does not do, counted: `ctar inspect` steps through an archive file instead of reading it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BLOCK_BYTES, paddingOf } from "../../src/stream/tar/header.ts";
import { encodeEntry, END_BLOCKS_BYTES } from "../../src/stream/tar/write.ts";
import { RECORD_BYTES } from "../../src/zfs/dmu/record.ts";
import { example } from "../support/archive.ts";
import { finish, programArgv, start } from "../support/program.ts";
import { sketchEntry } from "../support/tar.ts";
import { zfsStream } from "../support/zfs-stream.ts";

const GIB = 1024 ** 3;
const PIECE_BYTES = 4 * 1024 * 1024;
const EXAMPLE = "02-full-zfs-minimal-stopped";
const TEXTS = ["metadata.yml", "config/container.yml"];
/** A run under Deno reads 9 MB, most of it program. */
const LIMIT_BYTES = 32_000_000;
const counted = fs.existsSync("/proc/self/io");
const reason = counted ? "" : " (skipped: this kernel does not count what is read)";

let scratch = "";
beforeAll(() => {
  scratch = fs.mkdtempSync(join(tmpdir(), "ctar-speed-free-"));
});
afterAll(() => fs.rmSync(scratch, { recursive: true }));

test.skipIf(!counted).each([
  ["as a file has them", [8 * GIB - 1, 8 * GIB - 1]],
  ["as a pipe has them", Array.from({ length: (16 * GIB) / PIECE_BYTES }, () => PIECE_BYTES)],
] as const)(`ctar inspect reads next to nothing of 16 GiB, in pieces %s${reason}`, async (_, pieces) => {
  const archive = join(scratch, `${pieces.length}.tar`);
  makeArchive(archive, pieces);
  const { exitCode, stdout, stderr } = await finish(
    // what a child of the shell has read counts for the shell once the child has ended
    start(["bash", "-c", '"$@" >&2 && exec cat /proc/self/io', "bash", ...programArgv(), "inspect", archive]),
  );
  expect([exitCode, stderr]).toEqual([0, expect.stringContaining(`16.0 GiB, ${pieces.length} pieces\n  snapshot    tank/p@s1, `)]);
  const readBytes = Number(/^rchar: (\d+)$/m.exec(stdout)?.[1]);
  expect(readBytes).toBeGreaterThan(0);
  expect(readBytes).toBeLessThan(LIMIT_BYTES);
});

/** An archive whose stream is a hole behind its BEGIN record. */
function makeArchive(file: string, pieces: readonly number[]): void {
  const fd = fs.openSync(file, "w");
  let at = 0;
  const write = (bytes: Uint8Array, holeBytes = 0): void => {
    fs.writeSync(fd, bytes, 0, bytes.length, at);
    at += bytes.length + holeBytes;
  };
  for (const name of TEXTS) write(sketchEntry({ name, data: example(`${EXAMPLE}/${name}`) }));
  const fields = { name: Buffer.from("rootfs/base.dat"), mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, typeflag: "0" };
  const begin = zfsStream("p.full.s1").subarray(0, RECORD_BYTES);
  const beginAt = at + BLOCK_BYTES;
  for (const size of pieces) write(encodeEntry({ ...fields, size }), size + paddingOf(size));
  fs.writeSync(fd, begin, 0, begin.length, beginAt);
  fs.ftruncateSync(fd, at + END_BLOCKS_BYTES);
  fs.closeSync(fd);
}
