/**
 * Runs that fail, are interrupted, are killed: the container runs again, nothing is left, and the exit code says what happened.
 *
 * Every point is reached by a call of zfs or of the operator's commands that stalls or fails there (support/faulty-zfs), never by waiting.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { ctar, listTraces, POOL, shell } from "../support/platform.ts";
import type { Finished } from "../support/program.ts";
import { FaultyRun, Scene, type Fault } from "../support/scene.ts";

const TIMEOUT_MS = 60_000;
const ROOT = `${POOL}/ct/web01`;
const GONE = `${POOL}/ct/gone`;
const BASE = "send *web01@osctl-base*";
const INCREMENT = "send * *web01@osctl-incr*";
const RECV_ROOT = "recv *canmount=noauto*ct/gone.ctar-??????";
const USER = `/${POOL}/conf/user/gone.yml`;
const TAR = ["--format", "tar"];
const MOUNT = "-t zfs *";
const UNMOUNT = "/*/conf/.ctar/*";
const RECV_SRV = "recv *canmount=noauto*/srv";

let scene: Scene;
let before: string[];

beforeAll(async () => {
  scene = await Scene.create();
  before = await scene.inventory();
}, TIMEOUT_MS);

afterAll(async () => await scene?.[Symbol.asyncDispose](), TIMEOUT_MS);

/** What must hold after every run that did not succeed. */
async function expectUndone(run: FaultyRun): Promise<void> {
  expect(await scene.inventory()).toEqual(before);
  expect(run.archives()).toEqual([]);
  expectRunning(run);
}

/** A container that was stopped, or was asked to stop, has been started since. */
function expectRunning(run: FaultyRun): void {
  const calls = run.lifecycle();
  expect([calls, calls.includes("stop")]).toEqual([calls, calls.at(-1) === "start"]);
}

function expectFailure({ exitCode, stderr }: Finished, expected: { exitCode: number; error: string; cause?: string }): void {
  const lines = stderr.split("\n");
  expect([exitCode, lines.filter((line) => line.startsWith("error:"))]).toEqual([
    expected.exitCode,
    [expect.stringContaining(expected.error)],
  ]);
  if (expected.cause !== undefined) expect(stderr).toContain(expected.cause);
  expect(stderr).not.toContain("This is a bug");
}

/** Bytes of the archive from its beginning to the middle of a stream, or to the end of one. */
function archiveUpTo(member: string, part: "middle" | "end"): Uint8Array {
  const place = scene.streams().find(({ name }) => name === member);
  if (place === undefined) throw new Error(`no such member: ${member}`);
  const to = part === "end" ? place.end : Math.floor((place.headerAt + place.end) / 2);
  return fs.readFileSync(scene.archive).subarray(0, to);
}

function tarArchiveUpToHalf(): Uint8Array {
  const bytes = fs.readFileSync(scene.tarArchive);
  return bytes.subarray(0, bytes.length / 2);
}

type ExportCase = [point: string, sink: "file" | "pipe", signal: NodeJS.Signals, fault: Fault];

describe("ctar export, interrupted", () => {
  test.each<ExportCase>([
    ["behind the first snapshot", "pipe", "SIGTERM", { FAULT_CALL: "snapshot *osctl-base*", FAULT: "hang-after" }],
    ["in the base stream, to a file", "file", "SIGTERM", { FAULT_CALL: BASE, FAULT: "hang-midway" }],
    ["in the base stream, to a pipe", "pipe", "SIGINT", { FAULT_CALL: BASE, FAULT: "hang-midway" }],
    ["between the datasets", "file", "SIGINT", { FAULT_CALL: "send *web01/srv@osctl-base*", FAULT: "hang" }],
    ["while the container stops", "pipe", "SIGTERM", { STOP: "hang" }],
    ["between stop and second snapshot", "file", "SIGINT", { FAULT_CALL: "snapshot *osctl-incr*", FAULT: "hang" }],
    ["between second snapshot and start", "pipe", "SIGTERM", { FAULT_CALL: "snapshot *osctl-incr*", FAULT: "hang-after" }],
    ["while the container starts", "file", "SIGTERM", { START: "wait" }],
    ["in the incremental stream", "file", "SIGINT", { FAULT_CALL: INCREMENT, FAULT: "hang-midway", FAULT_BYTES: "1000" }],
    ["while the snapshots are destroyed", "file", "SIGTERM", { FAULT_CALL: "destroy *", FAULT: "wait" }],
  ])(
    "%s (to a %s, %s): everything is undone",
    async (_, sink, signal, fault) => {
      const directory = scene.directory();
      await using run = FaultyRun.export(directory, fault, sink === "file" ? path.join(directory, "out/a.tar") : "-");
      await run.reached();
      run.signal(signal);
      run.release();
      expectFailure(await run.end(), { exitCode: 130, error: `Interrupted by ${signal}` });
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );

  test(
    "while nobody reads the pipe: everything is undone",
    async () => {
      await using run = FaultyRun.export(scene.directory(), { FAULT_CALL: BASE, FAULT: "tell" }, "-", { stalled: true });
      await run.reached();
      expectFailure(await run.kill("SIGINT"), { exitCode: 130, error: "Interrupted by SIGINT" });
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );
});

type ImportCase = [point: string, signal: NodeJS.Signals, fault: Fault, input: () => Uint8Array | undefined];

describe("ctar import, interrupted", () => {
  test.each<ImportCase>([
    ["while a pipe gives nothing", "SIGINT", { FAULT_CALL: `get *${POOL}/log`, FAULT: "tell-after" }, () => new Uint8Array(0)],
    ["in the first receive", "SIGTERM", { FAULT_CALL: RECV_ROOT, FAULT: "tell" }, () => archiveUpTo("rootfs/base.dat", "middle")],
    ["between the datasets", "SIGINT", { FAULT_CALL: RECV_ROOT, FAULT: "tell-after" }, () => archiveUpTo("rootfs/base.dat", "end")],
    ["in the second receive", "SIGTERM", { FAULT_CALL: RECV_SRV, FAULT: "tell" }, () => archiveUpTo("rootfs/srv/base.dat", "middle")],
    ["before the incremental receive", "SIGINT", { FAULT_CALL: `recv -u -x mountpoint ${POOL}/*`, FAULT: "hang" }, () => undefined],
    ["before the transfer snapshots go", "SIGTERM", { FAULT_CALL: "destroy -r *@*", FAULT: "hang" }, () => undefined],
    ["before the rename", "SIGINT", { FAULT_CALL: "rename *", FAULT: "hang" }, () => undefined],
    ["behind the rename", "SIGTERM", { FAULT_CALL: "rename *", FAULT: "hang-after" }, () => undefined],
    ["before the mark goes, with all files written", "SIGINT", { FAULT_CALL: "inherit *", FAULT: "hang" }, () => undefined],
  ])(
    "%s (%s): everything is undone",
    async (_, signal, fault, input) => {
      const bytes = input();
      await using run = FaultyRun.import(scene.directory(), fault, bytes === undefined ? scene.archive : "-", bytes);
      await run.reached();
      expectFailure(await run.kill(signal), { exitCode: 130, error: `Interrupted by ${signal}` });
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );
});

describe("ctar import of format tar, interrupted", () => {
  test.each<ImportCase>([
    ["behind the dataset's creation", "SIGTERM", { FAULT_CALL: "create *", FAULT: "hang-after" }, () => undefined],
    ["while it is mounted", "SIGINT", { FAULT_CALL: MOUNT, FAULT: "hang-after" }, () => undefined],
    ["in the extraction", "SIGTERM", { FAULT_CALL: MOUNT, FAULT: "tell-after" }, () => tarArchiveUpToHalf()],
    ["before the rename", "SIGINT", { FAULT_CALL: "rename *", FAULT: "hang" }, () => undefined],
    ["with all files written", "SIGTERM", { FAULT_CALL: "inherit *", FAULT: "hang" }, () => undefined],
  ])(
    "%s (%s): everything is undone",
    async (_, signal, fault, input) => {
      const bytes = input();
      await using run = FaultyRun.import(scene.directory(), fault, bytes === undefined ? scene.tarArchive : "-", bytes);
      await run.reached();
      expectFailure(await run.kill(signal), { exitCode: 130, error: `Interrupted by ${signal}` });
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );

  test(
    "while it is unmounted: everything is undone once that is done",
    async () => {
      await using run = FaultyRun.import(scene.directory(), { FAULT_CALL: UNMOUNT, FAULT: "wait" }, scene.tarArchive);
      await run.reached();
      run.signal("SIGTERM");
      run.release();
      expectFailure(await run.end(), { exitCode: 130, error: "Interrupted by SIGTERM" });
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );
});

describe("ctar export --format tar, interrupted", () => {
  test.each<ExportCase>([
    ["behind the snapshot", "file", "SIGTERM", { FAULT_CALL: "snapshot *osctl-base*", FAULT: "hang-after" }],
    ["while the container is down", "pipe", "SIGINT", { FAULT_CALL: "snapshot *osctl-base*", FAULT: "hang" }],
    ["while the snapshot is mounted", "file", "SIGINT", { FAULT_CALL: MOUNT, FAULT: "hang-after" }],
    ["while it is unmounted", "file", "SIGTERM", { FAULT_CALL: UNMOUNT, FAULT: "wait" }],
  ])(
    "%s (to a %s, %s): everything is undone",
    async (_, sink, signal, fault) => {
      const directory = scene.directory();
      await using run = FaultyRun.export(directory, fault, sink === "file" ? path.join(directory, "out/a.tar") : "-", { options: TAR });
      await run.reached();
      run.signal(signal);
      run.release();
      expectFailure(await run.end(), { exitCode: 130, error: `Interrupted by ${signal}` });
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );
});

type FailureCase = [what: string, fault: Fault, expected: { exitCode: number; error: string; cause?: string }];

describe("ctar export, failing", () => {
  const refused = { exitCode: 13, cause: "cannot do it: I/O error" };

  test.each<FailureCase>([
    [
      "the first snapshot fails",
      { FAULT_CALL: "snapshot *", FAULT: "fail" },
      { ...refused, error: `Cannot snapshot "${ROOT}@osctl-base-` },
    ],
    ["zfs send fails midway", { FAULT_CALL: BASE, FAULT: "fail-midway" }, { ...refused, error: `Cannot send "${ROOT}@osctl-base-` }],
    ["zfs send ends early with 0", { FAULT_CALL: BASE, FAULT: "cut" }, { exitCode: 12, error: "it is cut off before its END record" }],
    ["the container does not stop", { STOP: "fail" }, { exitCode: 1, error: 'Cannot stop container "web01"', cause: "no power" }],
    [
      "the second snapshot fails",
      { FAULT_CALL: "snapshot *osctl-incr*", FAULT: "fail" },
      { ...refused, error: `Cannot snapshot "${ROOT}@osctl-incr-` },
    ],
    [
      "the container starts at the second try only",
      { START: "fail-once" },
      { exitCode: 1, error: 'Cannot start container "web01"', cause: "no power" },
    ],
    [
      "an incremental zfs send fails",
      { FAULT_CALL: INCREMENT, FAULT: "fail-midway", FAULT_BYTES: "1000" },
      { ...refused, error: `Cannot send "${ROOT}@osctl-incr-` },
    ],
  ])(
    "because %s: everything is undone",
    async (_, fault, expected) => {
      const directory = scene.directory();
      await using run = FaultyRun.export(directory, fault, path.join(directory, "out/a.tar"));
      expectFailure(await run.end(), expected);
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );

  test(
    "because zfs send fails midway, to a pipe: the archive has no end",
    async () => {
      await using run = FaultyRun.export(scene.directory(), { FAULT_CALL: BASE, FAULT: "fail-midway" }, "-");
      const finished = await run.end();
      expectFailure(finished, { ...refused, error: `Cannot send "${ROOT}@osctl-base-` });
      expect(finished.stdout).not.toContain("snapshots.yml");
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );

  test(
    "because the disk is full: everything is undone",
    async () => {
      const directory = scene.directory();
      await shell(`mount -t tmpfs -o size=256k small ${directory}/out`);
      try {
        await using run = FaultyRun.export(directory, {}, path.join(directory, "out/a.tar"));
        expectFailure(await run.end(), { exitCode: 1, error: `Cannot write to "${directory}/out/a.tar": no space left on device` });
        await expectUndone(run);
      } finally {
        await shell(`umount ${directory}/out`);
      }
    },
    TIMEOUT_MS,
  );

  test(
    "because the reader is gone: everything is undone",
    async () => {
      await using run = FaultyRun.export(scene.directory(), { FAULT_CALL: "send *web01/srv@osctl-base*", FAULT: "wait" }, "-");
      await run.reached();
      run.closeReader();
      run.release();
      expectFailure(await run.end(), { exitCode: 1, error: 'Cannot write to "standard output": the reader closed the pipe' });
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );

  test(
    "because its snapshots cannot be destroyed: there is no archive, and doctor destroys them",
    async () => {
      const directory = scene.directory();
      await using run = FaultyRun.export(
        directory,
        { FAULT_CALL: "destroy *", FAULT_NTH: "every", FAULT: "fail" },
        path.join(directory, "out/a.tar"),
      );
      expectFailure(await run.end(), { ...refused, error: `Cannot destroy snapshots "${ROOT}` });
      expect(run.archives()).toEqual([]);
      await expectDoctorCleans([`snapshots of "${ROOT}"`]);
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );

  test(
    "because the container does not start: says so, and doctor starts it once that works again",
    async () => {
      const directory = scene.directory();
      await using run = FaultyRun.export(directory, { START: "fail" }, path.join(directory, "out/a.tar"));
      const finished = await run.end();
      expectFailure(finished, { exitCode: 1, error: 'Cannot start container "web01"', cause: "no power" });
      expect(finished.stderr).toContain('"ctar doctor --clean" tries again');
      expect(run.archives()).toEqual([]);
      fs.writeFileSync(path.join(directory, "repaired"), "");
      await expectDoctorCleans(['container "web01" was stopped and not started again']);
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );
});

describe("ctar import, failing", () => {
  const refused = { exitCode: 13, cause: "cannot do it: I/O error" };

  test.each<FailureCase>([
    [
      "zfs recv refuses at once",
      { FAULT_CALL: RECV_ROOT, FAULT: "refuse", FAULT_BYTES: "0" },
      { ...refused, error: `Cannot receive "${GONE}.ctar-` },
    ],
    ["zfs recv stops midway", { FAULT_CALL: RECV_SRV, FAULT: "refuse" }, { ...refused, error: "Cannot receive" }],
    ["the transfer snapshots stay", { FAULT_CALL: "destroy -r *@*", FAULT: "fail" }, { ...refused, error: "Cannot destroy snapshots" }],
    ["the rename fails", { FAULT_CALL: "rename *", FAULT: "fail" }, { ...refused, error: `Cannot rename "${GONE}.ctar-` }],
    ["the mark cannot be removed", { FAULT_CALL: "inherit *", FAULT: "fail" }, { ...refused, error: "Cannot clear ctar:run" }],
    [
      "somebody takes the dataset's name meanwhile",
      { FAULT_CALL: "rename *", FAULT: "script", FAULT_SCRIPT: `zfs create -o canmount=noauto ${GONE}` },
      { exitCode: 1, error: `Cannot import to dataset "${GONE}": it exists` },
    ],
    [
      "somebody takes the container's id meanwhile",
      { FAULT_CALL: "rename *", FAULT: "script", FAULT_SCRIPT: `echo theirs > /${POOL}/conf/ct/gone.yml` },
      { exitCode: 1, error: `Cannot import container "gone": it exists on pool "${POOL}"` },
    ],
    [
      "there is no space for the configuration",
      {
        FAULT_CALL: "rename *",
        FAULT: "script",
        FAULT_SCRIPT: `zfs set quota=1M ${POOL}/conf; head -c 4000000 /dev/urandom > /${POOL}/conf/filler 2>/dev/null; sync`,
      },
      { exitCode: 1, error: "disk quota exceeded" },
    ],
  ])(
    "because %s: everything is undone, and nothing of others is touched",
    async (what, fault, expected) => {
      await using run = FaultyRun.import(scene.directory(), fault, scene.archive);
      const finished = await run.end();
      if (what.includes("dataset's name")) await shell(`zfs destroy ${GONE}`);
      if (what.includes("container's id")) await shell(`grep -qx theirs /${POOL}/conf/ct/gone.yml && rm /${POOL}/conf/ct/gone.yml`);
      if (what.includes("no space")) await shell(`zfs set quota=none ${POOL}/conf; rm /${POOL}/conf/filler`);
      expectFailure(finished, expected);
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );

  test(
    "because the pool has no space: everything is undone",
    async () => {
      await shell(`zfs create -o canmount=noauto -o quota=400K ${POOL}/small`);
      try {
        const { code, stderr } = await ctar(["import", "--missing-devices", "provide", "--dataset", `${POOL}/small/gone`, scene.archive]);
        expectFailure({ exitCode: code, stdout: "", stderr }, { exitCode: 13, error: `Cannot receive "${POOL}/small/gone.ctar-` });
        expect(stderr).toMatch(/quota|space/);
      } finally {
        await shell(`zfs destroy -r ${POOL}/small`);
      }
      expect(await scene.inventory()).toEqual(before);
    },
    TIMEOUT_MS,
  );

  test(
    "because the archive ends early: everything is undone",
    async () => {
      const bytes = archiveUpTo("rootfs/srv/base.dat", "middle");
      await using run = FaultyRun.import(scene.directory(), {}, "-", bytes);
      run.endInput();
      expectFailure(await run.end(), { exitCode: 12, error: "rootfs/srv/base.dat" });
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );
});

describe("ctar import of format tar, failing", () => {
  const refused = { exitCode: 13, cause: "cannot do it: I/O error" };

  test.each<FailureCase>([
    ["the dataset cannot be created", { FAULT_CALL: "create *", FAULT: "fail" }, { ...refused, error: `Cannot create "${GONE}.ctar-` }],
    ["it cannot be mounted", { FAULT_CALL: MOUNT, FAULT: "fail" }, { ...refused, error: `Cannot mount "${GONE}.ctar-` }],
    ["it cannot be unmounted at once", { FAULT_CALL: UNMOUNT, FAULT: "fail" }, { ...refused, error: "Cannot unmount" }],
    [
      "somebody makes the user meanwhile",
      { FAULT_CALL: "rename *", FAULT: "script", FAULT_SCRIPT: `echo theirs > ${USER}` },
      { exitCode: 1, error: `Cannot create "${USER}": file exists` },
    ],
  ])(
    "because %s: everything is undone",
    async (what, fault, expected) => {
      await using run = FaultyRun.import(scene.directory(), fault, scene.tarArchive);
      const finished = await run.end();
      if (what.includes("the user")) await shell(`grep -qx theirs ${USER} && rm ${USER}`);
      expectFailure(finished, expected);
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );
});

type KillCase = [point: string, fault: Fault, left: (string | RegExp)[]];

describe("ctar doctor, after SIGKILL", () => {
  test.each<KillCase>([
    ["while a base stream goes to a pipe", { FAULT_CALL: BASE, FAULT: "hang-midway" }, [`snapshots of "${ROOT}"`]],
    [
      "while the container is down",
      { FAULT_CALL: "snapshot *osctl-incr*", FAULT: "hang" },
      [`snapshots of "${ROOT}"`, 'container "web01" was stopped and not started again'],
    ],
  ])(
    "of an export %s: lists what was left, and removes it",
    async (_, fault, left) => {
      await using run = FaultyRun.export(scene.directory(), fault, "-");
      await run.reached();
      await run.kill("SIGKILL");
      await expectDoctorCleans(left);
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );

  test(
    "of an export to a file: lists the unfinished file too, and removes it",
    async () => {
      const directory = scene.directory();
      await using run = FaultyRun.export(directory, { FAULT_CALL: INCREMENT, FAULT: "hang" }, path.join(directory, "out/a.tar"));
      await run.reached();
      await run.kill("SIGKILL");
      await expectDoctorCleans([new RegExp(`^unfinished "${directory}/out/\\.a\\.tar\\.ctar-[0-9a-f]{6}"$`), `snapshots of "${ROOT}"`]);
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );

  test.each<KillCase>([
    [
      "while it receives the second dataset",
      { FAULT_CALL: RECV_SRV, FAULT: "hang" },
      [new RegExp(`^unfinished dataset "${GONE}\\.ctar-[0-9a-f]{6}"$`)],
    ],
    ["behind the rename", { FAULT_CALL: "rename *", FAULT: "hang-after" }, [`unfinished dataset "${GONE}"`]],
  ])(
    "of an import %s: lists what was left, and removes it",
    async (_, fault, left) => {
      await using run = FaultyRun.import(scene.directory(), fault, scene.archive);
      await run.reached();
      await run.kill("SIGKILL");
      await expectDoctorCleans(left);
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );

  test(
    "of an import of format tar while it extracts: unmounts and removes",
    async () => {
      await using run = FaultyRun.import(scene.directory(), { FAULT_CALL: MOUNT, FAULT: "tell-after" }, "-", tarArchiveUpToHalf());
      await run.reached();
      await run.kill("SIGKILL");
      await expectDoctorCleans([new RegExp(`^unfinished dataset "${GONE}\\.ctar-[0-9a-f]{6}"$`), /^mounted ".*gone\.ctar-[0-9a-f]{6}"$/]);
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );

  test(
    "of an export of format tar while the snapshot is mounted: unmounts it and removes the snapshots",
    async () => {
      const fault = { FAULT_CALL: MOUNT, FAULT: "hang-after" };
      await using run = FaultyRun.export(scene.directory(), fault, "-", { options: TAR });
      await run.reached();
      await run.kill("SIGKILL");
      await expectDoctorCleans([`snapshots of "${ROOT}"`, /^mounted ".*web01.*osctl-base-\d+"$/]);
      await expectUndone(run);
    },
    TIMEOUT_MS,
  );

  test(
    "of an import that had only its mark to remove: keeps the container",
    async () => {
      await using run = FaultyRun.import(scene.directory(), { FAULT_CALL: "inherit *", FAULT: "hang" }, scene.archive);
      await run.reached();
      await run.kill("SIGKILL");
      await expectDoctorCleans(["the mark of an import that was finished"]);
      expect(fs.existsSync(`/${POOL}/conf/ct/gone.yml`)).toBe(true);
      await removeImported();
    },
    TIMEOUT_MS,
  );
});

test(
  "ctar doctor --clean leaves runs alone that are under way, and both end well",
  async () => {
    const directory = scene.directory();
    await using exporting = FaultyRun.export(directory, { FAULT_CALL: BASE, FAULT: "wait" }, path.join(directory, "out/a.tar"));
    await using importing = FaultyRun.import(scene.directory(), { FAULT_CALL: "rename *", FAULT: "wait" }, scene.archive);
    await Promise.all([exporting.reached(), importing.reached()]);
    expect(await doctor()).toEqual({ code: 0, left: [] });
    expect(await doctor("--clean")).toEqual({ code: 0, left: [] });
    exporting.release();
    importing.release();
    const ends = await Promise.all([exporting.end(), importing.end()]);
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(exporting.archives()).toEqual(["a.tar"]);
    expectRunning(exporting);
    await removeImported();
  },
  TIMEOUT_MS,
);

/** Removes container "gone" after a successful import; nothing else was to remain. */
async function removeImported(): Promise<void> {
  const conf = `/${POOL}/conf`;
  await shell(`
    zfs destroy -r ${GONE}
    rm ${conf}/ct/gone.yml ${conf}/user/gone.yml ${conf}/group/config.yml ${conf}/id-range/default.yml
    rm -r ${conf}/group/made /${POOL}/hook/ct/gone /${POOL}/hook/pool/pre-autostart.d
    $CTAR init ${POOL}`);
  expect(await scene.inventory()).toEqual(before);
}

async function doctor(...options: string[]): Promise<{ code: number | null; left: string[] }> {
  const { code, stdout } = await ctar(["doctor", "--json", ...options]);
  const report = JSON.parse(stdout) as { leftovers: { left: string[] }[] };
  return { code, left: report.leftovers.flatMap(({ left }) => left) };
}

async function expectDoctorCleans(left: readonly (string | RegExp)[]): Promise<void> {
  const lines = left.map((line) => (typeof line === "string" ? line : expect.stringMatching(line)));
  expect(await doctor()).toEqual({ code: 1, left: lines });
  expect(await doctor("--clean")).toEqual({ code: 0, left: lines });
  expect(await doctor()).toEqual({ code: 0, left: [] });
  expect(await listTraces()).toEqual([]);
}
