/**
 * Data of an import in a directory pool: extracted beside its place, as `<id>.ctar-<hex>`, and renamed when it is whole. ZFS streams are kept
 * there until all have come, as files in them may change up to the last one, and are gone when the files have been extracted.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { randomBytes } from "node:crypto";
import { ToolError } from "../../errors.ts";
import type { ByteStream } from "../../stream/bytes.ts";
import { makeDirectory } from "../../sys/files.ts";
import { systemCode, systemReason } from "../../sys/failure.ts";
import { syncDirectory } from "../../sys/new-file.ts";
import type { Counter } from "../../sys/input.ts";
import { Spool } from "../../sys/spool.ts";
import { extractTree } from "../../tree/extract.ts";
import type { Loss } from "../../tree/loss.ts";
import type { EntrySource } from "../../tree/selected-entries.ts";
import { makeRoot } from "../container-root.ts";
import { extractFiles } from "./extract-files.ts";
import type { DirPool } from "../pool.ts";
import type { Run } from "../undo/run.ts";
import type { FilesStorage, Storage } from "./storage.ts";
import type { Thing } from "../undo/thing.ts";

/** Options of {@link DirStorage}. */
export interface DirStorageOptions {
  id: string;
  run: Run;
  signal: AbortSignal;
  /** Told of whatever cannot be restored. */
  onLoss: (loss: Loss) => void;
  /** Counts what is read of streams that were kept. */
  counter?: Counter;
}

/** Storage in a directory. */
export class DirStorage implements Storage {
  readonly dataset: undefined;
  readonly files: FilesStorage;
  readonly #pool: DirPool;
  readonly #final: string;
  readonly #staging: string;
  readonly #staged: Thing;
  readonly #options: DirStorageOptions;
  readonly #spool: Spool;
  #isStaged = false;

  constructor(pool: DirPool, options: DirStorageOptions) {
    this.#pool = pool;
    this.#final = path.join(pool.ct, options.id);
    this.#staging = `${this.#final}.ctar-${randomBytes(3).toString("hex")}`;
    this.#staged = { is: "path", path: this.#staging };
    this.#options = options;
    this.#spool = new Spool(() => this.#makeStaging(), options.signal, options.counter);
    this.files = {
      keep: async (bytes) => await this.#spool.keep(bytes),
      extract: async (entries) => await this.extract(entries),
    };
  }

  async check(): Promise<void> {
    if (fs.lstatSync(this.#final, { throwIfNoEntry: false }) !== undefined) throw directoryTaken(this.#final);
    return await Promise.resolve();
  }

  async receive(_place: { dataset: string }, bytes: ByteStream): Promise<void> {
    await extractTree(bytes, makeRoot(this.#makeStaging()), { onLoss: this.#options.onLoss });
  }

  async extract(entries: EntrySource): Promise<void> {
    await extractFiles(entries, makeRoot(this.#makeStaging()), this.#options);
  }

  async seal(): Promise<readonly string[]> {
    return await Promise.resolve([]);
  }

  async publish(): Promise<void> {
    const { run } = this.#options;
    run.intend({ is: "renamed", from: this.#staging, to: this.#final });
    run.forget(this.#staged);
    try {
      fs.renameSync(this.#staging, this.#final);
    } catch (error) {
      const code = systemCode(error);
      if (code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOTDIR") throw directoryTaken(this.#final);
      throw new ToolError("failed", `Cannot rename "${this.#staging}": ${systemReason(error)}`);
    }
    syncDirectory(this.#pool.ct);
    return await Promise.resolve();
  }

  async settle(): Promise<void> {
    return await Promise.resolve();
  }

  close(): void {
    this.#spool[Symbol.dispose]();
  }

  /** @returns its path */
  #makeStaging(): string {
    if (!this.#isStaged) {
      this.#options.run.intend(this.#staged);
      makeDirectory(this.#staging, 0o700);
    }
    this.#isStaged = true;
    return this.#staging;
  }
}

function directoryTaken(directory: string): ToolError {
  return new ToolError("exists", `Cannot import to "${directory}": it exists`, { hints: ["Choose another id with --as-id"] });
}
