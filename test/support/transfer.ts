/** `ctar export | ctar import` of a container on the fake pool of fake-zfs.ts, watched from outside. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { finish, programArgv, scriptArgv, type Finished } from "./program.ts";

/** What is to be transferred, and how. */
export interface TransferOptions {
  /** 128 KiB each. */
  records: number;
  /** Options of `ctar export`. */
  exportOptions: readonly string[];
}

/** How a side of the transfer ended. */
export interface Side extends Finished {
  /** Peak resident set size in bytes. */
  peakBytes: number;
}

/** What was seen of a transfer. */
export interface Transfer {
  exported: Side;
  imported: Side;
  seconds: number;
  /** Size of the stream that `zfs recv` was given. */
  receivedBytes: number;
  /** Names that appeared in the directory for temporary files while both sides ran. */
  temporaryFiles: string[];
}

const SAMPLE_INTERVAL_MS = 20;

/** Runs a transfer in a directory of its own, which is gone afterwards. */
export async function runTransfer(options: TransferOptions): Promise<Transfer> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-transfer-"));
  try {
    const env = writeTransferPool(directory, options.records);
    return await transfer(directory, env, options.exportOptions);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** Makes the fake pool with container "source". @returns the environment in which ctar uses it */
function writeTransferPool(directory: string, records: number): Record<string, string> {
  for (const part of ["tmp", "hook/ct", "log", "conf/ct", "conf/user", "conf/group/default"]) {
    fs.mkdirSync(path.join(directory, part), { recursive: true });
  }
  const maps = "uid_map:\n- 0:1065536:65536\ngid_map:\n- 0:1065536:65536\n";
  fs.writeFileSync(path.join(directory, "conf/user/source.yml"), `---\n${maps}standalone: false\nattrs: {}\n`);
  fs.writeFileSync(path.join(directory, "conf/group/default/config.yml"), "---\ncgparams: []\ndevices: []\nattrs: {}\n");
  fs.writeFileSync(
    path.join(directory, "conf/ct/source.yml"),
    "---\nuser: source\ngroup: \"/default\"\ndataset: fake/ct/source\ndistribution: debian\nversion: '12'\n",
  );
  const argv = scriptArgv("test/support/fake-zfs.ts").map((word) => `'${word}'`);
  fs.writeFileSync(path.join(directory, "zfs"), `#!/bin/sh\nexec ${argv.join(" ")} "$@"\n`, { mode: 0o755 });
  return {
    CTAR_ZFS: path.join(directory, "zfs"),
    FAKE_ZFS_DIR: directory,
    FAKE_ZFS_RECORDS: String(records),
    TMPDIR: path.join(directory, "tmp"),
  };
}

async function transfer(directory: string, env: Record<string, string>, exportOptions: readonly string[]): Promise<Transfer> {
  const pipe = openPipe(path.join(directory, "pipe"));
  const begin = performance.now();
  const start = (args: readonly string[], stdin: number | "ignore", stdout: number | "ignore"): ChildProcess => {
    const [file = "", ...rest] = [...programArgv(), ...args];
    return spawn(file, rest, { stdio: [stdin, stdout, "pipe"], env: { ...process.env, ...env } });
  };
  const exporter = start(["export", "--pool", "fake", ...exportOptions, "source", "-"], "ignore", pipe.write);
  const importer = start(["import", "--pool", "fake", "--as-id", "target", "-"], pipe.read, "ignore");
  fs.closeSync(pipe.write);
  fs.closeSync(pipe.read);
  const watch = watchPeaks([exporter, importer], env["TMPDIR"] ?? "");
  const [exported, imported] = await Promise.all([finish(exporter), finish(importer)]);
  const { peaks, names } = watch.stop();
  return {
    exported: { ...exported, peakBytes: peaks[0] ?? Number.NaN },
    imported: { ...imported, peakBytes: peaks[1] ?? Number.NaN },
    seconds: (performance.now() - begin) / 1000,
    receivedBytes: Number(readOr(path.join(directory, "received"), "0")),
    temporaryFiles: [...names],
  };
}

/** A pipe's two ends; the third one only lets the other two open without waiting for each other. */
function openPipe(file: string): { read: number; write: number } {
  if (spawnSync("mkfifo", [file]).status !== 0) throw new Error("mkfifo failed");
  const both = fs.openSync(file, "r+");
  const ends = { read: fs.openSync(file, "r"), write: fs.openSync(file, "w") };
  fs.closeSync(both);
  return ends;
}

/** Looks again and again at the high-water marks of processes (`VmHWM`, proc_pid_status(5)) and at a directory. */
function watchPeaks(children: readonly ChildProcess[], directory: string): { stop: () => { peaks: number[]; names: Set<string> } } {
  const peaks = children.map(() => 0);
  const names = new Set<string>();
  const timer = setInterval(() => {
    for (const [index, { pid }] of children.entries()) {
      const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readOr(`/proc/${pid}/status`, ""))?.[1];
      peaks[index] = Math.max(peaks[index] ?? 0, Number(kilobytes ?? 0) * 1024);
    }
    for (const name of fs.readdirSync(directory)) names.add(name);
  }, SAMPLE_INTERVAL_MS);
  return {
    stop: () => {
      clearInterval(timer);
      for (const name of fs.readdirSync(directory)) names.add(name);
      return { peaks, names };
    },
  };
}

function readOr(file: string, otherwise: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return otherwise;
  }
}
