/**
 * What platform tests stand on: the compiled binary, a scratch pool on real OpenZFS, containers to move.
 *
 * The pool is made on a file below the temporary directory, or is the one that CTAR_TEST_ZPOOL names - which is wiped.
 */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** How a program ended. */
export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The compiled binary under test. */
export const CTAR: string = process.env["CTAR_BIN"] ?? path.resolve("dist/ctar");
/** The scratch pool's name. */
export const POOL: string = process.env["CTAR_TEST_ZPOOL"] ?? "ctartest";

/** Runs a program to its end. */
export async function run(
  argv: readonly string[],
  options: { env?: Record<string, string>; input?: Uint8Array | string } = {},
): Promise<Finished> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...options.env } });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
}

/** Runs the binary. */
export async function ctar(
  args: readonly string[],
  options: { env?: Record<string, string>; input?: Uint8Array | string } = {},
): Promise<Finished> {
  return await run([CTAR, ...args], options);
}

/** Runs shell text, for set-up only; `$CTAR` and `$POOL` are set. @throws if it fails */
export async function shell(script: string): Promise<string> {
  const finished = await run(["bash", "-euo", "pipefail", "-c", script], { env: { CTAR, POOL } });
  if (finished.code !== 0) throw new Error(`exit ${finished.code}: ${script}\n${finished.stdout}${finished.stderr}`);
  return finished.stdout;
}

/** A scratch pool, made ready for containers. Disposing destroys it. */
export class ScratchPool implements AsyncDisposable {
  readonly #file: string | undefined;
  /** A directory for the test's files, gone with the pool. */
  readonly directory: string;

  private constructor(file: string | undefined, directory: string) {
    this.#file = file;
    this.directory = directory;
  }

  static async create(sizeMiB = 1024): Promise<ScratchPool> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-platform-"));
    const file = process.env["CTAR_TEST_ZPOOL"] === undefined ? path.join(directory, "vdev") : undefined;
    if (file === undefined) await shell(`for d in $(zfs list -H -o name -d 1 -r $POOL | tail -n +2); do zfs destroy -r $d; done`);
    // no test cuts the power, and each fsync costs a write of the virtual disk
    else await shell(`truncate -s ${sizeMiB}M ${file} && zpool create -O sync=disabled $POOL ${file}`);
    await shell(`$CTAR init $POOL`);
    return new ScratchPool(file, directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await shell(
      this.#file === undefined
        ? `for d in $(zfs list -H -o name -d 1 -r $POOL | tail -n +2); do zfs destroy -r $d; done`
        : `zpool destroy -f $POOL`,
    );
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

let blocksUsed = 0;

/** Writes the configuration of a container and its user, with ids of its own, and creates its datasets, mounted. @param subdatasets parents first */
export async function createContainer(id: string, subdatasets: readonly string[] = []): Promise<void> {
  blocksUsed += 1;
  const map = `0:${1_000_000 + 65_536 * blocksUsed}:65536`;
  await shell(`
    cat > /$POOL/conf/user/${id}.yml <<'Y'
---
uid_map:
- ${map}
gid_map:
- ${map}
standalone: false
attrs: {}
Y
    cat > /$POOL/conf/ct/${id}.yml <<Y
---
user: ${id}
group: "/default"
dataset: $POOL/ct/${id}
distribution: debian
version: '12'
arch: x86_64
Y
    zfs create -o canmount=noauto $POOL/ct/${id}; zfs mount $POOL/ct/${id}; mkdir /$POOL/ct/${id}/private
    for sub in ${subdatasets.join(" ")}; do zfs create -o canmount=noauto $POOL/ct/${id}/$sub; zfs mount $POOL/ct/${id}/$sub; mkdir /$POOL/ct/${id}/$sub/private; done`);
}

/** Names of everything on a pool that ctar might have left: snapshots, marked datasets, staging names, records. */
export async function listTraces(pool: string = POOL): Promise<string[]> {
  const snapshots = await shell(`zfs list -H -t snapshot -o name -r ${pool}`);
  const marked = await shell(`zfs get -H -s local -t filesystem,snapshot,volume -r -o name,value ctar:run ${pool}`);
  const staging = await shell(`zfs list -H -t filesystem -o name -r ${pool} | grep -F .ctar- || true`);
  const records = await shell(`find /${pool}/conf -path '*/.ctar/*' -o -name '.*.ctar-*' | sort`);
  return [snapshots, marked, staging, records].flatMap((text) => text.split("\n")).filter((line) => line !== "");
}
