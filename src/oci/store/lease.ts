/**
 * A lease: the blobs that one run needs, in a directory of its own, each as a file `<algorithm>-<hex>`; layout.ts tells why.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { randomBytes } from "node:crypto";
import { ToolError } from "../../errors.ts";
import type { ByteStream } from "../../stream/bytes.ts";
import { systemCode, systemReason } from "../../sys/failure.ts";
import { listNames, makeDirectory, removePath } from "../../sys/files.ts";
import { isRunAlive, runIdentity } from "../../sys/identity.ts";
import type { InputOptions } from "../../sys/input.ts";
import { Output } from "../../sys/output.ts";
import { Hasher, splitDigest, type Digest } from "../digest.ts";
import type { Blob, BlobSource } from "../image.ts";
import { blobIn } from "./blob-file.ts";
import { blobFile, DIRECTORY_MODE, leasesDirectory } from "./layout.ts";

/** Nobody writes to a blob again. */
const BLOB_MODE = 0o400;

/** A run's hold on blobs. Disposing lets go of them. */
export class Lease implements BlobSource, Disposable {
  readonly #store: string;
  readonly #directory: string;
  readonly #options: InputOptions;

  /** @param options of reading what is held */
  constructor(store: string, options: InputOptions) {
    this.#store = store;
    this.#options = options;
    this.#directory = path.join(leasesDirectory(store), `${runIdentity()}.${randomBytes(6).toString("hex")}`);
    makeDirectory(this.#directory, DIRECTORY_MODE);
  }

  [Symbol.dispose](): void {
    removePath(this.#directory);
  }

  /** A blob that is held. */
  find(digest: Digest): Blob | undefined {
    return blobIn(this.file(digest), digest, this.#options);
  }

  /** Where a blob is that is held. */
  file(digest: Digest): string {
    const { algorithm, hex } = splitDigest(digest);
    return path.join(this.#directory, `${algorithm}-${hex}`);
  }

  /** Holds a blob of the store. @returns false if the store has none of that size */
  hold(digest: Digest, size: number): boolean {
    const held = this.find(digest);
    if (held !== undefined) return held.size === size;
    if (!link(blobFile(this.#store, digest), this.file(digest))) return false;
    if (this.find(digest)?.size === size) return true;
    removePath(this.file(digest));
    return false;
  }

  /** Takes in a blob whose bytes are checked where they are read. */
  async add(blob: Blob): Promise<void> {
    await this.#write(blob.open(), () => blob.digest);
  }

  /** Takes in bytes by what their digest turns out to be. @returns it, and how many there were */
  async addUnknown(content: ByteStream): Promise<{ digest: Digest; size: number }> {
    const hasher = new Hasher("sha256");
    const digest = await this.#write(content, () => hasher.finish(), hasher);
    return { digest, size: hasher.bytes };
  }

  /** Writes a file that gets its name when it is complete and durable. */
  async #write(content: ByteStream, name: () => Digest, hasher?: Hasher): Promise<Digest> {
    const temporary = path.join(this.#directory, `incoming-${randomBytes(6).toString("hex")}`);
    const fd = openNew(temporary);
    try {
      const output = new Output({ name: temporary, fd, patchable: true, signal: this.#options.signal });
      for await (const chunk of content) {
        const written = output.write([chunk]);
        hasher?.update(chunk);
        await written;
      }
      await output.sync();
      const digest = name();
      fs.renameSync(temporary, this.file(digest));
      return digest;
    } catch (error) {
      removePath(temporary);
      throw error;
    } finally {
      fs.closeSync(fd);
    }
  }
}

/** Gives a blob that is held its place in the store. What has that place and another size is damaged, and goes. @throws ToolError failed */
export function placeBlob(lease: Lease, store: string, digest: Digest): void {
  const [held, file] = [lease.find(digest), blobFile(store, digest)];
  const there = fs.lstatSync(file, { throwIfNoEntry: false });
  if (held === undefined) throw new ToolError("failed", `Cannot store ${digest}: the lease on it is gone`);
  if (there?.size === held.size) return;
  makeDirectory(path.dirname(file), DIRECTORY_MODE);
  removePath(file);
  link(lease.file(digest), file);
}

/** Directories of leases whose runs are no more. */
export function deadLeases(store: string): string[] {
  const directory = leasesDirectory(store);
  const dead = listNames(directory).filter((name) => !isRunAlive(name.slice(0, name.lastIndexOf("."))));
  return dead.map((name) => path.join(directory, name));
}

/** Gives a file a second name; false if it is not there. */
function link(from: string, to: string): boolean {
  try {
    fs.linkSync(from, to);
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOENT") return false;
    if (code !== "EEXIST") throw new ToolError("failed", `Cannot link "${to}": ${systemReason(error)}`, { facts: { path: to } });
  }
  return true;
}

function openNew(file: string): number {
  try {
    return fs.openSync(file, "wx", BLOB_MODE);
  } catch (error) {
    throw new ToolError("failed", `Cannot create "${file}": ${systemReason(error)}`, { facts: { path: file } });
  }
}
