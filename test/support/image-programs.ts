/** Programs that keep images, each with a storage of its own in a temporary directory. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { finish, start } from "./program.ts";

const PATIENCE_MS = 20_000;

/** Why tests with these programs cannot run here; "" if they can. */
export function whyNot(...programs: readonly string[]): string {
  if (process.getuid?.() !== 0) return " (skipped: not root)";
  const missing = programs.filter((program) => spawnSync("sh", ["-c", `command -v ${program}`]).status !== 0);
  return missing.length === 0 ? "" : ` (skipped: there is no ${missing.join(", ")})`;
}

/** Runs a program that must succeed. @returns its stdout */
export async function succeed(...argv: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await finish(start(argv));
  if (exitCode !== 0) throw new Error(`${argv.join(" ")}: exit code ${exitCode}\n${stderr}`);
  return stdout;
}

/** podman, whose storage needs no kernel module. */
export class Podman {
  readonly #storage: readonly string[];

  constructor(directory: string) {
    this.#storage = ["--storage-driver=vfs", `--root=${path.join(directory, "storage")}`, `--runroot=${path.join(directory, "run")}`];
  }

  async run(...args: readonly string[]): Promise<string> {
    return await succeed("podman", ...this.#storage, ...args);
  }

  /** Names and ids of its images. */
  async images(): Promise<Record<string, string>> {
    const lines = await this.run("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}");
    return Object.fromEntries(lines.trim().split("\n").filter(Boolean).map((line) => line.split(" "))) as Record<string, string>; // prettier-ignore
  }
}

/** containerd, and ctr to talk to it. Disposing ends it. */
export class Containerd implements AsyncDisposable {
  readonly #address: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(directory: string) {
    this.#address = path.join(directory, "containerd.sock");
    const config = path.join(directory, "config.toml");
    fs.writeFileSync(config, 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n');
    const places = ["--root", path.join(directory, "root"), "--state", path.join(directory, "state"), "--address", this.#address];
    this.#child = spawn("containerd", ["--config", config, ...places], { stdio: "ignore" });
    this.#exited = new Promise((resolve) => this.#child.once("close", resolve));
  }

  static async start(directory: string): Promise<Containerd> {
    const containerd = new Containerd(directory);
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(100)) {
      const { exitCode } = await finish(start(["ctr", "--address", containerd.#address, "version"]));
      if (exitCode === 0) return containerd;
    }
    await containerd[Symbol.asyncDispose]();
    throw new Error("containerd does not answer");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#exited;
  }

  /** Runs ctr in a namespace, where it sees nothing of the others. */
  async ctr(namespace: string, ...args: readonly string[]): Promise<string> {
    return await succeed("ctr", "--address", this.#address, "--namespace", namespace, ...args);
  }

  /** Names and digests of its images. */
  async images(namespace: string): Promise<Record<string, string>> {
    const lines = (await this.ctr(namespace, "images", "ls")).trim().split("\n").slice(1);
    return Object.fromEntries(lines.map((line) => [line.split(/\s+/)[0], line.split(/\s+/)[2]]));
  }
}
