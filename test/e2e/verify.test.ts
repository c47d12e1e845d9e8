import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { runProgram, runProgramOn } from "../support/program.ts";
import { exported, FORMS } from "../support/verify.ts";
import { recordsOf, zfsStream, type ZFS_STREAMS } from "../support/zfs-stream.ts";

const TIMEOUT_MS = 60_000;

let directory = "";

beforeAll(() => (directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-verify-"))));
afterAll(() => fs.rmSync(directory, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  const where = path.join(directory, name);
  fs.writeFileSync(where, bytes);
  return where;
}

/** How many records another reader finds. */
async function countOf(name: (typeof ZFS_STREAMS)[number]): Promise<number> {
  return (await recordsOf(zfsStream(name))).length;
}

describe.each(FORMS)("ctar verify of an export (%s)", (form) => {
  test(
    "says that it is whole and exits 0, from a file and a pipe",
    async () => {
      const archive = await exported(form);
      const where = file(`${form}.tar`, archive);
      const suffix = form === "gzip" ? ".gz" : "";
      for (const [name, run] of [
        [where, await runProgram("verify", where)],
        ["standard input", await runProgramOn(archive, "verify", "-")],
      ] as const) {
        expect([run.exitCode, run.stderr]).toEqual([0, ""]);
        const [first, container, texts, ...streams] = run.stdout.trimEnd().split("\n");
        expect(first).toMatch(new RegExp(`^${name} is whole: \\d+\\.\\d KiB read$`));
        expect([container, texts]).toEqual(["container   mail01, format zfs", "texts       6, compared with the manifest"]);
        expect(streams.map((line) => line.replace(/: .* KiB(?: decompressed)?, /, ": "))).toEqual([
          `rootfs/base.dat${suffix}: ${await countOf("p.full.s1")} records, up to @s1`,
          `rootfs/srv/base.dat${suffix}: ${await countOf("zstd.full-ec.s1")} records, up to @s1`,
          `rootfs/incremental.dat${suffix}: ${await countOf("p.incr-I.s1-s3")} records, up to @s3`,
        ]);
      }
    },
    TIMEOUT_MS,
  );

  test(
    "names the place of a cut and exits 12",
    async () => {
      const archive = await exported(form);
      for (const cut of [0, 100, Math.floor(archive.length / 2), archive.length - 1]) {
        const cutOff = archive.subarray(0, cut);
        for (const run of [await runProgram("verify", file("cut.tar", cutOff)), await runProgramOn(cutOff, "verify", "-")]) {
          expect(run.exitCode).toBe(12);
          expect(run.stdout).toContain(`(at byte ${cut})\n`);
          expect(run.stderr).toMatch(/^error: Cannot vouch for ".*": (one thing is|\d+ things are) wrong with it\n/);
        }
      }
    },
    TIMEOUT_MS,
  );
});

test(
  "ctar verify prints a line for each damaged stream",
  async () => {
    const archive = await exported("file");
    for (const at of [100_000, 400_000]) archive[at] = (archive[at] as number) ^ 0x10;
    const { exitCode, stdout, stderr } = await runProgram("verify", file("two.tar", archive));
    expect([exitCode, stderr.split("\n")[0]]).toEqual([12, `error: Cannot vouch for "${directory}/two.tar": 2 things are wrong with it`]);
    expect(stdout.trimEnd().split("\n").map((line) => line.replace(/: .*/, ""))).toEqual(["rootfs/base.dat", "rootfs/srv/base.dat"]); // prettier-ignore
    expect(stdout).toMatch(/ \(at byte \d+, byte \d+ of the stream\)\n/);
  },
  TIMEOUT_MS,
);

test(
  "ctar verify --json prints the same for a program, guids as they are",
  async () => {
    const archive = await exported("file");
    const whole = await runProgram("verify", "--json", file("whole.tar", archive));
    expect([whole.exitCode, whole.stderr]).toEqual([0, ""]);
    const report = JSON.parse(whole.stdout) as { archive: { streams: { description: { snapshots: object[] } }[] } };
    expect(report).toMatchObject({ whole: true, findings: [], bytes: archive.length, archive: { manifest: "compared", ended: true } });
    expect(report.archive.streams[2]?.description.snapshots).toMatchObject([
      { dataset: "tank/p", snapshot: "s2", toGuid: BigInt("0x7618d88cdc291ea4").toString() },
      { dataset: "tank/p", snapshot: "s3", fromGuid: BigInt("0x7618d88cdc291ea4").toString() },
    ]);
    const cut = await runProgramOn(archive.subarray(0, 300_000), "verify", "-", "--json");
    expect(cut.exitCode).toBe(12);
    expect(JSON.parse(cut.stdout)).toMatchObject({ whole: false, findings: [{ offset: 300_000 }] });
  },
  TIMEOUT_MS,
);

test(
  "ctar verify takes a bare ZFS stream, gzipped or not, whatever it is called",
  async () => {
    const stream = zfsStream("w.full-w.s1");
    for (const bytes of [stream, gzipSync(stream)]) {
      const { exitCode, stdout } = await runProgram("verify", file("something", bytes));
      expect(exitCode).toBe(0);
      expect(stdout).toContain("snapshot    tank/w@s1, guid ");
      expect(stdout).toContain("encrypted   yes\n");
      expect(stdout).toContain("receiver    has to have the pool feature encryption\n");
      expect((await runProgramOn(bytes.subarray(0, bytes.length - 9), "verify", "-")).exitCode).toBe(12);
    }
  },
  TIMEOUT_MS,
);

test(
  "ctar verify shows control characters of names as escapes",
  async () => {
    const stream = zfsStream("p.full.s1");
    stream.write("tank/\u001b[2Jp@s1\0", 56);
    const { exitCode, stdout } = await runProgram("verify", "--", file("escape\u001b[2J.zfs", stream));
    expect(exitCode).toBe(12);
    expect(stdout.includes("\u001b")).toBe(false);
  },
  TIMEOUT_MS,
);

test("ctar verify of nothing there exits 10", async () => {
  expect((await runProgram("verify", path.join(directory, "nothing.tar"))).exitCode).toBe(10);
});
