/** Files that get their name only when they are complete. */
import * as fs from "node:fs";
import * as path from "node:path";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { ToolError } from "../errors.ts";
import { systemCode, systemReason } from "./failure.ts";
import { Output } from "./output.ts";

const close = promisify(fs.close);

/** A file under construction. Unless published, disposing removes it. */
export class NewFile implements AsyncDisposable {
  readonly output: Output;
  readonly #path: string;
  readonly #temporaryPath: string;
  readonly #fd: number;
  readonly #force: boolean | undefined;
  #open = true;

  constructor(options: { path: string; temporaryPath: string; fd: number; force: boolean | undefined; signal: AbortSignal | undefined }) {
    this.#path = options.path;
    this.#temporaryPath = options.temporaryPath;
    this.#fd = options.fd;
    this.#force = options.force;
    this.output = new Output({ name: options.path, fd: options.fd, patchable: true, signal: options.signal });
  }

  /** Gives the file its name, after fsync. @throws ToolError exists if somebody else took the name meanwhile */
  async publish(): Promise<void> {
    await this.output.sync();
    await close(this.#fd);
    this.#open = false;
    if (this.#force === true) fs.renameSync(this.#temporaryPath, this.#path);
    else publishNew(this.#temporaryPath, this.#path, this.#force);
    syncDirectory(path.dirname(this.#path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    await close(this.#fd);
    fs.rmSync(this.#temporaryPath, { force: true });
  }
}

/** The name under which a file at `target` is built; beside it, hidden, and matched by no `*.yml`. */
export function temporaryName(target: string): string {
  return path.join(path.dirname(target), `.${path.basename(target)}.ctar-${randomBytes(3).toString("hex")}`);
}

/** Whether a file's name is one that {@link temporaryName} makes. */
export function isTemporaryName(name: string): boolean {
  return /^\..+\.ctar-[0-9a-f]{6}$/.test(name);
}

/**
 * Begins a new file at `target` under the temporary name.
 *
 * @param options.force whether a file of that name is replaced; undefined where nobody is asked
 * @throws ToolError exists (and not `force`), not-found (no such directory), failed
 */
export function createFile(
  target: string,
  options: { temporaryPath: string; force?: boolean; mode?: number; signal?: AbortSignal | undefined },
): NewFile {
  const { force } = options;
  if (force !== true && fs.lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw fileExists(target, force);
  try {
    const fd = fs.openSync(options.temporaryPath, "wx+", options.mode ?? 0o666);
    return new NewFile({ path: target, temporaryPath: options.temporaryPath, fd, force, signal: options.signal });
  } catch (error) {
    throw new ToolError(systemCode(error) === "ENOENT" ? "not-found" : "failed", `Cannot create "${target}": ${systemReason(error)}`);
  }
}

/** Gives a finished temporary file its name, which nobody may have: link(2) refuses an existing one where rename(2) would replace it. */
export function publishNew(temporaryPath: string, target: string, force?: boolean): void {
  try {
    fs.linkSync(temporaryPath, target);
  } catch (error) {
    const code = systemCode(error);
    if (code === "EEXIST") throw fileExists(target, force);
    if (code !== "EPERM" && code !== "ENOTSUP" && code !== "EOPNOTSUPP" && code !== "EMLINK") throw error;
    if (fs.lstatSync(target, { throwIfNoEntry: false }) !== undefined) throw fileExists(target, force);
    fs.renameSync(temporaryPath, target); // a file system without hard links
    return;
  }
  fs.rmSync(temporaryPath);
}

/** Makes new and removed names in a directory survive a power cut. */
export function syncDirectory(directory: string): void {
  const fd = fs.openSync(directory, "r");
  try {
    fs.fsyncSync(fd);
  } catch {
    // some file systems cannot sync a directory; the file itself is synced
  } finally {
    fs.closeSync(fd);
  }
}

function fileExists(target: string, force: boolean | undefined): ToolError {
  return new ToolError("exists", `Cannot create "${target}": file exists`, {
    hints: [force === undefined ? "Choose another name, or remove it first" : "Use --force to replace it"],
    facts: { path: target },
  });
}
