/** A directory pool with container "web01", in a temporary directory, and runs of the program on it. */
import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { finish, programArgv, runProgram, start, type Finished, type StartOptions } from "./program.ts";

const PATIENCE_MS = 20_000;
const MAP = "- 0:1065536:65536";
/** Of a container that runs, to see what is left out of an archive. */
const CONFIG = `---
user: web01
group: "/default"
distribution: debian
version: '12'
arch: x86_64
state: staged
`;

/** The pool. Disposing removes it with everything in its directory. */
export class DirPoolScene implements Disposable {
  /** Where the pool is, and room for archives. */
  readonly directory: string;
  readonly root: string;
  /** `dir:/path` */
  readonly name: string;

  private constructor() {
    this.directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-dir-pool-"));
    this.root = path.join(this.directory, "pool");
    this.name = `dir:${this.root}`;
  }

  /** Makes the pool by `ctar init`, and the container by hand. */
  static async create(): Promise<DirPoolScene> {
    const scene = new DirPoolScene();
    const { exitCode, stderr } = await runProgram("init", scene.name);
    if (exitCode !== 0) throw new Error(stderr);
    scene.write("conf/user/web01.yml", `---\nuid_map:\n${MAP}\ngid_map:\n${MAP}\nstandalone: false\nattrs: {}\n`);
    scene.write("conf/ct/web01.yml", CONFIG);
    scene.write("hook/ct/web01/pre-start", "#!/bin/sh\nexit 0\n", 0o755);
    scene.write("hook/ct/web01/post-stop.d/10-notify", "#!/bin/sh\nexit 1\n", 0o700);
    scene.write("ct/web01/private/etc/hostname", "web01\n");
    scene.write("ct/web01/private/bin/hello", "#!/bin/sh\necho hello\n", 0o755);
    scene.write("ct/web01/private/data", noise(200_000), 0o640);
    fs.linkSync(scene.path("ct/web01/private/bin/hello"), scene.path("ct/web01/private/bin/hello-again"));
    fs.symlinkSync("bin/hello", scene.path("ct/web01/private/run"));
    return scene;
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.directory, { recursive: true, force: true });
  }

  /** A path in the pool. */
  path(relative: string): string {
    return path.join(this.root, relative);
  }

  /** A path beside the pool. */
  file(name: string): string {
    return path.join(this.directory, name);
  }

  write(relative: string, content: string | Uint8Array, mode = 0o644): void {
    const file = this.path(relative);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content, { mode });
  }

  /** Every path in the pool, records of runs included; their directory is made by the first run that needs it. */
  inventory(): string[] {
    const paths = fs.readdirSync(this.root, { recursive: true, encoding: "utf8" });
    return paths.filter((file) => file !== "conf/.ctar").toSorted();
  }

  /** Removes what an import made for a container. */
  removeContainer(id: string): void {
    for (const part of [`ct/${id}`, `conf/ct/${id}.yml`, `hook/ct/${id}`]) fs.rmSync(this.path(part), { recursive: true });
  }

  /** Runs a verb on the pool to its end. */
  async run(verb: string, args: readonly string[], options: StartOptions = {}): Promise<Finished> {
    return await finish(this.start(verb, args, options));
  }

  /** Starts a verb on the pool. */
  start(verb: string, args: readonly string[], options: StartOptions = {}): ChildProcess {
    const env = { CTAR_ZFS: path.join(this.directory, "no-zfs"), ...options.env };
    return start([...programArgv(), ...verb.split(" "), "--pool", this.name, ...args], { ...options, env });
  }

  /** Starts an import that gets the beginning of an archive and then nothing more, and waits until it has written some of it. */
  async startStalledImport(
    archive: string,
    id: string,
    options: readonly string[] = [],
  ): Promise<{ child: ChildProcess; finished: Promise<Finished> }> {
    const [file, ...args] = [...programArgv(), "import", ...options, "--pool", this.name, "--as-id", id, "-"];
    const env = { ...process.env, NO_COLOR: "1", CTAR_ZFS: path.join(this.directory, "no-zfs") };
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], env });
    child.stdin?.on("error", () => undefined);
    const finished = finish(child);
    const bytes = fs.readFileSync(archive);
    child.stdin?.write(bytes.subarray(0, bytes.length - 20_000));
    const until = Date.now() + PATIENCE_MS;
    while (!fs.readdirSync(this.path("ct")).some((name) => fs.existsSync(this.path(`ct/${name}/private`)) && name.startsWith(`${id}.`))) {
      if (Date.now() > until || child.exitCode !== null) throw new Error("the import did not begin");
      await sleep(20);
    }
    return { child, finished };
  }
}

/** Bytes that do not compress, the same each time. */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}
