/**
 * A real sshd on loopback for whoever runs the tests, and an ssh that knows it: the far end of `export --to`.
 *
 * Over there PATH begins with a directory of the test's, where `ctar` runs the program under test, and what a user's shell does at its start is not
 * done. Hosts for ssh: `far`; `changed`, whose key is another
 * than the known one; `stranger`, with a key that is not let in; `closed`, where nothing listens.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { programArgv } from "./program.ts";

const SSHD = "/usr/sbin/sshd";
const PATIENCE_MS = 20_000;

/** The server. Disposing ends it with all its sessions. */
export class SshServer implements AsyncDisposable {
  /** Keys, configuration, and the PATH of the far end. */
  readonly directory: string;
  /** Names a program for `CTAR_SSH`. */
  readonly ssh: string;
  readonly #sshd: ChildProcess;

  private constructor(directory: string, sshd: ChildProcess) {
    this.directory = directory;
    this.ssh = path.join(directory, "ssh");
    this.#sshd = sshd;
  }

  static async start(): Promise<SshServer> {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-ssh-"));
    for (const name of ["bin", "home", "tmp"]) fs.mkdirSync(path.join(directory, name));
    for (const key of ["host", "user", "stranger", "other-host"]) makeKey(path.join(directory, key));
    const server = new SshServer(directory, await listen(directory));
    server.installProgram();
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    signalAll([...this.processes(), this.#sshd.pid], "SIGKILL");
    await until(() => this.#sshd.exitCode !== null || this.#sshd.signalCode !== null);
    fs.rmSync(this.directory, { recursive: true, force: true });
  }

  /** Makes a program of the far end a shell script. */
  writeProgram(script: string, name = "ctar"): void {
    fs.writeFileSync(path.join(this.directory, "bin", name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  /** Makes it the program under test, with no ZFS. */
  installProgram(): void {
    const zfs = path.join(this.directory, "no-zfs");
    this.writeProgram(`CTAR_ZFS=${quoted(zfs)} exec ${programArgv().map(quoted).join(" ")} "$@"`);
  }

  /** Takes a program of the far end away. */
  removeProgram(name = "ctar"): void {
    fs.rmSync(path.join(this.directory, "bin", name));
  }

  /** What programs of the far end have for TMPDIR. */
  get temporaryDirectory(): string {
    return path.join(this.directory, "tmp");
  }

  /** Where the process id of the ssh that was started last is written. */
  get pidFile(): string {
    return path.join(this.directory, "ssh.pid");
  }

  /** Kills the ssh that was started last. */
  cut(): void {
    signalAll([Number(fs.readFileSync(this.pidFile, "utf8"))], "SIGKILL");
  }

  /** The processes that sessions have. @param program those alone that run it */
  processes(program = ""): number[] {
    return descendantsOf(this.#sshd.pid ?? 0).filter((pid) => commandOf(pid).startsWith(program));
  }
}

/** Sends a signal to processes, as far as they are still there. */
export function signalAll(pids: readonly (number | undefined)[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      if (pid !== undefined) process.kill(pid, signal);
    } catch {
      // it has ended
    }
  }
}

/** Waits until something is so. @throws if it does not come about, or what the condition throws */
export async function until(condition: () => boolean, what = "what was waited for"): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what} did not come about`);
    await sleep(20);
  }
}

/** Starts sshd on a free port, and writes what ssh needs to find it. */
async function listen(directory: string): Promise<ChildProcess> {
  if (process.getuid?.() === 0) fs.mkdirSync("/run/sshd", { recursive: true, mode: 0o755 }); // Debian's sshd asks for it
  const port = await freePort();
  writeServerFiles(directory, port);
  writeClientFiles(directory, port);
  const sshd = spawn(SSHD, ["-D", "-e", "-f", path.join(directory, "sshd_config")], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  sshd.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  await until(() => said.includes("Server listening") || sshd.exitCode !== null, "sshd");
  if (sshd.exitCode === null) return sshd;
  if (said.includes("Address already in use")) return await listen(directory); // somebody was faster
  throw new Error(`sshd ended: ${said}`);
}

function writeServerFiles(directory: string, port: number): void {
  const at = (name: string): string => path.join(directory, name);
  fs.copyFileSync(at("user.pub"), at("authorized_keys"));
  fs.writeFileSync(
    at("sshd_config"),
    `Port ${port}
ListenAddress 127.0.0.1
HostKey ${at("host")}
AuthorizedKeysFile ${at("authorized_keys")}
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
SetEnv HOME=${at("home")} PATH=${at("bin")}:/usr/local/bin:/usr/bin:/bin TMPDIR=${at("tmp")}
`,
  );
}

function writeClientFiles(directory: string, port: number): void {
  const at = (name: string): string => path.join(directory, name);
  const publicKey = (name: string): string => fs.readFileSync(at(`${name}.pub`), "utf8");
  const known = [`far ${publicKey("host")}`, `stranger ${publicKey("host")}`, `changed ${publicKey("other-host")}`];
  fs.writeFileSync(at("known_hosts"), known.join(""));
  const host = (name: string, key: string, hostPort: number): string => `Host ${name}
  HostName 127.0.0.1
  Port ${hostPort}
  HostKeyAlias ${name}
  IdentityFile ${at(key)}
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile ${at("known_hosts")}
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
`;
  const hosts = [host("far", "user", port), host("changed", "user", port), host("stranger", "stranger", port), host("closed", "user", 1)];
  fs.writeFileSync(at("ssh_config"), hosts.join(""));
  const script = `#!/bin/sh\necho $$ > ${quoted(at("ssh.pid"))}; exec ssh -F ${quoted(at("ssh_config"))} "$@"\n`;
  fs.writeFileSync(at("ssh"), script, { mode: 0o755 });
}

function makeKey(file: string): void {
  const { status, stderr } = spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file], { encoding: "utf8" });
  if (status !== 0) throw new Error(`ssh-keygen: ${stderr}`);
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function descendantsOf(pid: number): number[] {
  const children = fs
    .readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => parentOf(one) === pid);
  return children.flatMap((child) => [child, ...descendantsOf(child)]);
}

function parentOf(pid: number): number | undefined {
  const ppid = /^PPid:\s*(\d+)$/m.exec(readProc(pid, "status"))?.[1];
  return ppid === undefined ? undefined : Number(ppid);
}

function commandOf(pid: number): string {
  return readProc(pid, "cmdline").replaceAll("\0", " ");
}

function readProc(pid: number, name: string): string {
  try {
    return fs.readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return ""; // it has ended
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
