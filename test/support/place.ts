/**
 * A root directory of its own, in which the portable file is started: nothing but what the kind of place puts there, the file as `/ctar`, and a
 * directory `/data` to work in.
 *
 * Everything is mounted in a mount namespace that a child process holds open; programs enter it with nsenter(1) and chroot(8), so that the process
 * started is the program itself, seen with its signals and its exit code. When the child ends, for whatever reason, the mounts are gone. Needs root.
 */
import { execFileSync, spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** Processor architectures, as the names of the portable files have them. */
export type Architecture = "x64" | "arm64";

/** What is in a root directory, and how it is mounted. */
export interface PlaceKind {
  readonly name: string;
  readonly architecture: Architecture;
  /** Whose loader and C library the program runs on: the place's, or the ones in the file. */
  readonly loader: "host" | "bundled";
  /** Puts files into the root directory, which has `/data`, `/tmp` and `/etc`. */
  readonly fill: (root: string) => void;
  /** Shell commands that mount what is more than `/proc`; `$root` is the root directory, mounted on itself. */
  readonly mounts?: string;
  /** Where true, nothing is mounted at `/proc`. */
  readonly lacksProc?: true;
}

/** How a program is started in a place. */
export interface PlaceStart {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdio?: StdioOptions;
}

const EMULATORS: Readonly<Record<Architecture, string>> = { x64: "qemu-x86_64-static", arm64: "qemu-aarch64-static" };
/** Programs of the host that start others in the place are found here; in the place it says where to look for zfs. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const HOLD = `set -e
mount --bind "$root" "$root"
mount --bind "$program" "$root/ctar"
mount --bind "$data" "$root/data"
if [ -n "$proc" ]; then mount -t proc proc "$root/proc"; fi
eval "$mounts"
echo ready
exec cat`;

/** A place that is there. Disposing ends what holds it and removes its files. */
export class Place implements AsyncDisposable {
  readonly kind: PlaceKind;
  /** The root directory without what is mounted in it; writable, also where the place sees it read-only. */
  readonly root: string;
  /** The user and the group that programs run as. */
  readonly uid: number;
  readonly #scratch: string;
  readonly #holder: ChildProcess;
  readonly #program: readonly string[];

  private constructor(kind: PlaceKind, uid: number, scratch: string, holder: ChildProcess) {
    this.kind = kind;
    this.uid = uid;
    this.root = path.join(scratch, "root");
    this.#scratch = scratch;
    this.#holder = holder;
    this.#program = kind.architecture === process.arch ? ["/ctar"] : [`/${EMULATORS[kind.architecture]}`, "/ctar"];
  }

  /** @param files the directory of the portable files */
  static async create(kind: PlaceKind, files: string, uid: number): Promise<Place> {
    const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-place-"));
    try {
      layOut(scratch, kind, uid);
      return new Place(kind, uid, scratch, await hold(scratch, kind, portableFile(files, kind.architecture)));
    } catch (error) {
      fs.rmSync(scratch, { recursive: true });
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#holder.exitCode === null && this.#holder.signalCode === null) {
      const ended = once(this.#holder, "exit");
      this.#holder.stdin?.end();
      await ended;
    }
    fs.rmSync(this.#scratch, { recursive: true, force: true });
  }

  /** Starts the portable file. */
  start(args: readonly string[], options: PlaceStart = {}): ChildProcess {
    return this.#start([...this.#program, ...args], options);
  }

  /** Starts a script for the place's shell; `$CTAR` is the portable file. */
  startShell(script: string): ChildProcess {
    return this.#start(["/bin/sh", "-c", script], { env: { CTAR: this.#program.join(" ") } });
  }

  /** A path of the place as this process reaches it, what is mounted in the place included. */
  path(inside: string): string {
    return path.join(`/proc/${this.#holder.pid}/root`, this.root, inside);
  }

  /** Every path that a run could leave something at, what it writes to in `/data` included. */
  inventory(): string[] {
    const tops = fs.readdirSync(this.path("/")).filter((name) => !["proc", "usr", "dev", "sys"].includes(name));
    return tops.flatMap((top) => [top, ...contentsOf(this.path(top)).map((name) => `${top}/${name}`)]).toSorted();
  }

  /** Process numbers of what runs in the place, and is not what keeps the place open. */
  processes(): number[] {
    const namespace = fs.readlinkSync(this.#namespace());
    const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== this.#holder.pid);
    return pids.filter((pid) => namespaceOf(pid) === namespace).map(Number);
  }

  #start(argv: readonly string[], { env = {}, stdio = ["ignore", "pipe", "pipe"] }: PlaceStart): ChildProcess {
    const user = [`--userspec=${this.uid}:${this.uid}`, `--groups=${this.uid}`];
    const enter = [`--mount=${this.#namespace()}`, "chroot", ...user, this.root, ...argv];
    return spawn("nsenter", enter, { stdio, env: { PATH, ...env } });
  }

  #namespace(): string {
    return `/proc/${this.#holder.pid}/ns/mnt`;
  }
}

/** Makes the root directory's files, and the directory that becomes `/data`. */
function layOut(scratch: string, kind: PlaceKind, uid: number): void {
  const [root, data] = [path.join(scratch, "root"), path.join(scratch, "data")];
  fs.chmodSync(scratch, 0o755);
  fs.mkdirSync(data);
  fs.chownSync(data, uid, uid);
  fs.mkdirSync(root);
  for (const name of ["data", "tmp", "etc", ...(kind.lacksProc === true ? [] : ["proc"])]) fs.mkdirSync(path.join(root, name));
  fs.chmodSync(path.join(root, "tmp"), 0o1777);
  fs.writeFileSync(path.join(root, "ctar"), "");
  kind.fill(root);
  if (kind.architecture !== process.arch) copyProgram(EMULATORS[kind.architecture], root);
}

/** Mounts everything, in a child that keeps it mounted until its stdin ends. */
async function hold(scratch: string, kind: PlaceKind, program: string): Promise<ChildProcess> {
  const proc = kind.lacksProc === true ? "" : "proc";
  const env = { PATH, root: path.join(scratch, "root"), data: path.join(scratch, "data"), program, proc, mounts: kind.mounts ?? "" };
  const argv = ["--mount", "--propagation", "private", "sh", "-c", HOLD];
  const holder = spawn("unshare", argv, { stdio: ["pipe", "pipe", "inherit"], env });
  const ended = once(holder, "exit");
  const [said] = (await Promise.race([once(holder.stdout, "data"), ended])) as unknown[];
  if (String(said) === "ready\n") return holder;
  holder.stdin.end();
  await ended;
  throw new Error(`Cannot make the place "${kind.name}"`);
}

/** The portable file for an architecture. */
export function portableFile(files: string, architecture: Architecture): string {
  return path.join(path.resolve(files), `ctar-linux-${architecture}`);
}

/** Copies a program of the host that needs no libraries into the top of a root directory, or to another place in it. */
export function copyProgram(name: string, root: string, to: string = name): void {
  const file = execFileSync("which", [name], { encoding: "utf8", env: { PATH } }).trimEnd();
  fs.mkdirSync(path.dirname(path.join(root, to)), { recursive: true });
  fs.copyFileSync(file, path.join(root, to));
}

function contentsOf(file: string): string[] {
  const status = fs.lstatSync(file);
  return status.isDirectory() ? fs.readdirSync(file, { recursive: true, encoding: "utf8" }) : [];
}

function namespaceOf(pid: string): string | undefined {
  try {
    return fs.readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined; // it has ended
  }
}
