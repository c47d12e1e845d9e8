/** `ctar inspect` of archives with ZFS streams, and of bare streams. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync } from "node:zlib";
import { runProgram, runProgramOn } from "../support/program.ts";
import { exported } from "../support/verify.ts";
import { recordsOf, zfsStream } from "../support/zfs-stream.ts";

const TIMEOUT_MS = 60_000;

let directory = "";
beforeAll(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-inspect-"))));
afterAll(() => fs.rmSync(directory, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  const where = path.join(directory, name);
  fs.writeFileSync(where, bytes);
  return where;
}

describe("ctar inspect of a bare ZFS stream", () => {
  // as zstream dump and zfs get say: test/fixtures/streams
  const RAW = [
    "snapshot    tank/w@s1, 2",
    "encrypted   yes",
    "features    sa_spill lz4 compressed raw",
    "receiver    has to have the pool feature encryption",
  ];
  const isShown = (stdout: string, lines: readonly string[]): boolean => lines.every((line) => stdout.includes(`\n${line}`));

  test(
    "tells from a file what it is, gzipped or not, whatever it is called",
    async () => {
      const stream = zfsStream("w.full-w.s1");
      for (const bytes of [stream, gzipSync(stream)]) {
        const { exitCode, stdout, stderr } = await runProgram("inspect", file("something", bytes));
        expect([exitCode, stderr, isShown(stdout, RAW), stdout.includes("records")]).toEqual([0, "", true, false]);
      }
    },
    TIMEOUT_MS,
  );

  test(
    "counts its records if it is to, and on a pipe",
    async () => {
      const stream = zfsStream("w.full-w.s1");
      const count = (await recordsOf(stream)).length;
      for (const run of [
        await runProgram("inspect", "--records", file("counted.zfs", stream)),
        await runProgramOn(stream, "inspect", "-"),
      ]) {
        expect([run.exitCode, isShown(run.stdout, RAW)]).toEqual([0, true]);
        expect(run.stdout).toContain(`KiB, ${count} records\n`);
        expect(run.stdout).toMatch(/\nrecords {5}.*\b1 begin\b.*\n/);
      }
    },
    TIMEOUT_MS,
  );

  test(
    "shows control characters of names as escapes",
    async () => {
      const stream = zfsStream("p.full.s1");
      stream.write("tank/\u001b[2Jp@s1\0", 56);
      const { stdout } = await runProgram("inspect", file("escape.zfs", stream));
      expect([stdout.includes("\u001b"), stdout.includes("tank/\\x1b[2Jp@s1")]).toEqual([false, true]);
    },
    TIMEOUT_MS,
  );
});

describe("ctar inspect of an archive", () => {
  test(
    "shows each stream, and that there is more in a package",
    async () => {
      const { exitCode, stdout, stderr } = await runProgram("inspect", file("web01.tar", await exported("gzip")));
      expect([exitCode, stderr]).toEqual([0, ""]);
      const [texts = "", streams = ""] = stdout.split("\n\n");
      expect(texts).toMatch(/^container {3}mail01\n/);
      expect(streams.split("\n").map((line) => line.split(/ {2,}|, /).slice(0, 3))).toEqual([
        ["rootfs/base.dat.gz", expect.stringMatching(/^\d+\.\d KiB$/), expect.stringMatching(/^\d+\.\d KiB raw$/)],
        ["", "snapshot", "tank/p@s1"],
        ["", "features", "sa_spill"],
        ["", "receiver", "has to receive spill blocks of system attributes"],
        ["rootfs/srv/base.dat.gz", expect.stringMatching(/KiB$/), expect.stringMatching(/KiB raw$/)],
        ["", "snapshot", "tank/zstd@s1"],
        ["", "features", "sa_spill embed_data lz4 compressed zstd"],
        ...Array.from({ length: 5 }, () => ["", "receiver", expect.stringMatching(/^has to /)]),
        ["rootfs/incremental.dat.gz", expect.stringMatching(/KiB$/), expect.stringMatching(/KiB raw$/)],
        ["", "snapshot", "tank/p@s2"],
        ["", "package", "what is behind its first stream is shown with --records"],
        ["", "features", "sa_spill"],
        ["", "receiver", "has to receive spill blocks of system attributes"],
        [""],
      ]);
    },
    TIMEOUT_MS,
  );

  test(
    "--json prints guids as they are, and streams as those of a bare stream",
    async () => {
      const from = BigInt("0x7618d88cdc291ea4").toString();
      for (const bytes of [await exported("file"), zfsStream("p.incr-I.s1-s3")]) {
        const { exitCode, stdout } = await runProgram("inspect", "--json", "--records", file("json", bytes));
        const { streams, compression } = JSON.parse(stdout) as { compression: string; streams: { description: { snapshots: object[] } }[] };
        expect([exitCode, compression]).toEqual([0, "none"]);
        expect(streams.at(-1)?.description.snapshots).toMatchObject([
          { dataset: "tank/p", snapshot: "s2", toGuid: from },
          { dataset: "tank/p", snapshot: "s3", fromGuid: from },
        ]);
      }
    },
    TIMEOUT_MS,
  );

  test(
    "says what is wrong with which stream and exits 12",
    async () => {
      const archive = await exported("file");
      archive[100_000] = (archive[100_000] as number) ^ 0x10;
      const where = file("damaged.tar", archive);
      expect((await runProgram("inspect", where)).exitCode).toBe(0);
      for (const run of [await runProgram("inspect", "--records", where), await runProgramOn(archive, "inspect", "-")]) {
        expect(run.exitCode).toBe(12);
        expect(run.stdout).toMatch(
          /\nrootfs\/base\.dat .*\n {2}damaged {5}a record is not what its checksum says.* \(at byte \d+ of the stream\)\n {2}snapshot /,
        );
        expect(run.stdout).toMatch(/\nrootfs\/srv\/base\.dat .* records\n {2}snapshot /);
        expect(run.stderr).toMatch(/^error: Cannot inspect all of ".*": a stream is damaged\n/);
      }
    },
    TIMEOUT_MS,
  );
});
