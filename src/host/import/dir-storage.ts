/** Data of an import in a directory pool: extracted beside its place, as `<id>.ctar-<hex>`, and renamed when it is whole. */
import * as fs from "node:fs";
import * as path from "node:path";
import { randomBytes } from "node:crypto";
import { ToolError } from "../../errors.ts";
import type { ByteStream } from "../../stream/bytes.ts";
import { makeDirectory } from "../../sys/files.ts";
import { systemCode, systemReason } from "../../sys/failure.ts";
import { syncDirectory } from "../../sys/new-file.ts";
import { extractTree } from "../../tree/extract.ts";
import type { Loss } from "../../tree/loss.ts";
import { makeRoot } from "../container-root.ts";
import type { DirPool } from "../pool.ts";
import type { Run } from "../undo/run.ts";
import type { DataFormat, Storage } from "./storage.ts";
import type { Thing } from "../undo/thing.ts";

/** Options of {@link DirStorage}. */
export interface DirStorageOptions {
  id: string;
  run: Run;
  /** Told of whatever cannot be restored. */
  onLoss: (loss: Loss) => void;
}

/** Storage in a directory. */
export class DirStorage implements Storage {
  readonly dataset: undefined;
  readonly #pool: DirPool;
  readonly #final: string;
  readonly #staging: string;
  readonly #staged: Thing;
  readonly #options: DirStorageOptions;

  constructor(pool: DirPool, options: DirStorageOptions) {
    this.#pool = pool;
    this.#final = path.join(pool.ct, options.id);
    this.#staging = `${this.#final}.ctar-${randomBytes(3).toString("hex")}`;
    this.#staged = { is: "path", path: this.#staging };
    this.#options = options;
  }

  async check({ format }: DataFormat): Promise<void> {
    if (format === "zfs") {
      throw new ToolError("failed", `Cannot import to pool "${this.#pool.name}": an archive of format "zfs" goes to a zpool only, so far`, {
        hints: ["ctar import --pool <zpool> ..."],
      });
    }
    if (fs.lstatSync(this.#final, { throwIfNoEntry: false }) !== undefined) throw directoryTaken(this.#final);
    return await Promise.resolve();
  }

  async receive(_place: { dataset: string }, bytes: ByteStream): Promise<void> {
    this.#options.run.intend(this.#staged);
    makeDirectory(this.#staging, 0o700);
    await extractTree(bytes, makeRoot(this.#staging), { onLoss: this.#options.onLoss });
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
}

function directoryTaken(directory: string): ToolError {
  return new ToolError("exists", `Cannot import to "${directory}": it exists`, { hints: ["Choose another id with --as-id"] });
}
