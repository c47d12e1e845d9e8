/**
 * A container on the scratch pool, an archive of another one, and runs of ctar in which something goes wrong at a chosen point.
 *
 * Container "web01" with subdataset "srv" runs: `stop` and `start` are programs that log. Container "gone" is in the archive only, together
 * with a user and a group that the pool does not have, and a hook.
 */
import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createContainer, CTAR, POOL, ScratchPool, shell } from "./platform.ts";
import { finish, type Finished } from "./program.ts";

/** What goes wrong; see faulty-zfs. */
export interface Fault {
  FAULT?: string;
  FAULT_CALL?: string;
  FAULT_NTH?: string;
  FAULT_BYTES?: string;
  FAULT_SCRIPT?: string;
  /** The operator's commands: hang, fail; wait, fail, fail-once. */
  STOP?: "hang" | "fail";
  START?: "wait" | "fail" | "fail-once";
}

/** A member of the archive and where it lies, in bytes. */
export interface Place {
  name: string;
  headerAt: number;
  end: number;
}

/** A mounted subdataset, and a device that no group of the pool has. */
const GONE_CONFIG = `mounts:
- fs:
  mountpoint: "/srv"
  type: bind
  opts: bind,create=dir,rw
  automount: true
  dataset: srv
  temporary: false
devices:
- type: char
  major: '10'
  minor: '229'
  mode: rwm
  name: "/dev/fuse"
  inherit: true
  inherited: false
`;
const FAULTY_BIN = path.resolve(import.meta.dirname, "faulty-bin");
const FAULTY_ZFS = path.resolve(import.meta.dirname, "faulty-zfs");
const PATIENCE_MS = 30_000;

/** The pool, the container, the archive. Disposing removes all. */
export class Scene implements AsyncDisposable {
  readonly pool: ScratchPool;
  /** An archive of container "gone". */
  readonly archive: string;
  /** The same in format tar. */
  readonly tarArchive: string;
  #cases = 0;

  private constructor(pool: ScratchPool) {
    this.pool = pool;
    this.archive = path.join(pool.directory, "gone.tar");
    this.tarArchive = path.join(pool.directory, "gone-rootfs.tar");
  }

  static async create(): Promise<Scene> {
    const scene = new Scene(await ScratchPool.create());
    await createContainer("gone", ["srv"]);
    await createContainer("web01", ["srv"]);
    const { directory } = scene.pool;
    await shell(`
      for dataset in gone gone/srv web01 web01/srv; do head -c 300000 /dev/urandom > /$POOL/ct/$dataset/private/noise; done
      mkdir /$POOL/conf/group/made /$POOL/hook/ct/gone
      printf -- '---\\ncgparams: []\\ndevices: []\\nattrs: {}\\n' > /$POOL/conf/group/made/config.yml
      sed -i 's,/default,/made,' /$POOL/conf/ct/gone.yml
      mkdir /$POOL/ct/gone/private/srv
      cat >> /$POOL/conf/ct/gone.yml <<'Y'
${GONE_CONFIG}Y
      printf '#!/bin/sh\\n' > /$POOL/hook/ct/gone/pre-start; chmod +x /$POOL/hook/ct/gone/pre-start
      printf '#!/bin/sh\\necho more > /$POOL/ct/gone/private/more; echo more > /$POOL/ct/gone/srv/private/more\\n' > ${directory}/change
      chmod +x ${directory}/change
      $CTAR export --compression off --stop-command ${directory}/change --start-command true gone ${scene.archive}
      $CTAR export --format tar gone ${scene.tarArchive}
      zfs destroy -r $POOL/ct/gone
      rm -r /$POOL/hook/ct/gone /$POOL/conf/group/made /$POOL/conf/ct/gone.yml /$POOL/conf/user/gone.yml`);
    return scene;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool[Symbol.asyncDispose]();
  }

  /** A directory for one case: `out/` for its archives. */
  directory(): string {
    this.#cases += 1;
    const directory = path.join(this.pool.directory, `case-${this.#cases}`);
    fs.mkdirSync(path.join(directory, "out"), { recursive: true });
    return directory;
  }

  /** Everything on the pool that a run may change: datasets and snapshots with their marks, files of configuration and hooks. */
  async inventory(): Promise<string[]> {
    const zfs = await shell(`zfs get -H -r -t filesystem,volume,snapshot -o name,value ctar:run $POOL`);
    const contents = await shell(`cd /$POOL && find conf hook -type f ! -path 'conf/.ctar/*' -exec sha256sum {} + | sort -k 2`);
    const mounts = await shell(`grep -F /.ctar/ /proc/self/mountinfo || true`);
    return [...zfs.split("\n"), ...["conf", "hook"].flatMap((part) => listTree(`/${POOL}/${part}`)), contents, mounts];
  }

  /** Members of the archive that hold streams. */
  streams(): Place[] {
    const bytes = fs.readFileSync(this.archive);
    const places: Place[] = [];
    for (let at = 0; bytes[at] !== 0;) {
      const name = bytes.toString("utf8", at, bytes.indexOf(0, at));
      const size = Number.parseInt(bytes.toString("latin1", at + 124, at + 135), 8);
      const end = at + 512 + Math.ceil(size / 512) * 512;
      if (name.endsWith(".dat")) places.push({ name, headerAt: at, end });
      at = end;
    }
    return places;
  }
}

/** A run of ctar with a fault in it. */
export class FaultyRun implements AsyncDisposable {
  readonly #directory: string;
  readonly #process: ChildProcess;
  readonly #finished: Promise<Finished>;

  private constructor(directory: string, child: ChildProcess) {
    this.#directory = directory;
    this.#process = child;
    this.#finished = finish(child);
  }

  /** Exports web01, with commands to stop and start it. @param target a path, or - for a pipe, which is read unless that is stalled */
  static export(
    directory: string,
    fault: Fault,
    target: string,
    { stalled = false, options = [] }: { stalled?: boolean; options?: readonly string[] } = {},
  ): FaultyRun {
    const commands = ["stop", "start"].flatMap((name) => [`--${name}-command`, writeLifecycleCommand(directory, name)]);
    const run = FaultyRun.#start(directory, fault, ["export", ...commands, ...options, "web01", target]);
    if (stalled) run.#process.stdout?.pause();
    return run;
  }

  /** Imports an archive. @param input fed through a pipe that is then left open, for an archive called "-" */
  static import(directory: string, fault: Fault, archive: string, input?: Uint8Array): FaultyRun {
    const run = FaultyRun.#start(directory, fault, ["import", "--missing-devices", "provide", archive]);
    run.#process.stdin?.on("error", () => undefined);
    if (input !== undefined) run.#process.stdin?.write(input);
    return run;
  }

  static #start(directory: string, fault: Fault, args: readonly string[]): FaultyRun {
    const PATH = `${FAULTY_BIN}:${process.env["PATH"]}`;
    const env = { ...process.env, PATH, NO_COLOR: "1", FAULT_CALL: "-", ...fault, FAULT_DIR: directory, CTAR_ZFS: FAULTY_ZFS };
    return new FaultyRun(directory, spawn(CTAR, args, { stdio: ["pipe", "pipe", "pipe"], env }));
  }

  /** Waits until the faulty call is made. @throws Error if the run ends before */
  async reached(): Promise<void> {
    const until = Date.now() + PATIENCE_MS;
    while (this.#stuckPid() === undefined) {
      if (this.#process.exitCode !== null || Date.now() > until) {
        throw new Error(`the point was not reached: ${JSON.stringify(await this.kill("SIGKILL"))}`);
      }
      await sleep(20);
    }
  }

  /** Lets calls go on that wait. */
  release(): void {
    fs.writeFileSync(path.join(this.#directory, "release"), "");
  }

  /** Closes the reading end of the export's pipe. */
  closeReader(): void {
    this.#process.stdout?.destroy();
  }

  /** No more input comes. */
  endInput(): void {
    this.#process.stdin?.end();
  }

  /** Sends a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Sends a signal and waits for the end. */
  async kill(signal: NodeJS.Signals): Promise<Finished> {
    this.signal(signal);
    return await this.end();
  }

  /** Waits for the end. */
  async end(): Promise<Finished> {
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), PATIENCE_MS);
    try {
      return await this.#finished;
    } finally {
      clearTimeout(timer);
    }
  }

  /** What the operator's commands were called for, in order. */
  lifecycle(): string[] {
    return readOr(path.join(this.#directory, "log")).split("\n").slice(0, -1);
  }

  /** Names of files in the directory of archives. */
  archives(): string[] {
    return fs.readdirSync(path.join(this.#directory, "out"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    const stuck = this.#stuckPid();
    if (stuck !== undefined) killGroup(stuck);
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill("SIGKILL");
  }

  #stuckPid(): number | undefined {
    const text = readOr(path.join(this.#directory, "reached"));
    return text.endsWith("\n") ? Number(text) : undefined;
  }
}

/** A program that logs its name and does what STOP or START says. */
function writeLifecycleCommand(directory: string, name: string): string {
  const file = path.join(directory, name);
  const script = `#!/bin/sh
echo ${name} >> '${directory}/log'
case $${name.toUpperCase()} in
  hang) echo $$ > '${directory}/reached'; exec sleep 600 ;;
  wait) echo $$ > '${directory}/reached'; while [ ! -e '${directory}/release' ]; do sleep 0.1; done ;;
  fail-once) [ -e '${directory}/failed' ] || { : > '${directory}/failed'; echo "no power" >&2; exit 3; } ;;
  fail) [ -e '${directory}/repaired' ] || { echo "no power" >&2; exit 3; } ;;
esac
[ ${name} = start ] || echo changed > /${POOL}/ct/web01/private/changed
`;
  fs.writeFileSync(file, script, { mode: 0o755 });
  return file;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // it has ended
  }
}

function listTree(root: string): string[] {
  return fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => path.join(entry.parentPath, entry.name))
    .toSorted();
}

function readOr(file: string): string {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
