/** Extracting those entries that are wanted into a directory that may have files in it, as safely as into an empty one (see extraction.ts). */
import { ToolError } from "../errors.ts";
import { LibcError, loadLibc, type Libc } from "../sys/libc.ts";
import { splitEntryName } from "./entry-path.ts";
import { Extraction, type ExtractSummary } from "./extraction.ts";
import type { Loss } from "./loss.ts";
import { SelectedEntries, showPath, type EntrySource, type FileEntry } from "./selected-entries.ts";
import type { PathPattern } from "./path-pattern.ts";
import { TakenNames } from "./taken-names.ts";

/** Options of {@link extractInto}. */
export interface ExtractIntoOptions {
  /** Paths, each with what lies below; all if there are none. */
  patterns: readonly PathPattern[];
  stripComponents: number;
  /** Whether files that are there are replaced. */
  force: boolean;
  /** Told of whatever cannot be restored. */
  onLoss: (loss: Loss) => void;
  /** Told of each path in place of making anything. */
  onlyTell?: (path: string) => Promise<void>;
}

/** What was extracted. */
export interface ExtractIntoSummary extends ExtractSummary {
  /** How many files were left alone, as their names were taken, and the first of them. */
  taken: number;
  firstTaken: readonly string[];
  /** Patterns that nothing was for. */
  unmet: readonly PathPattern[];
}

const EXAMPLES = 5;

/**
 * Extracts files.
 *
 * @param root an existing directory; its own owner, mode and times are changed only if there is nothing in it
 * @throws ToolError damaged, failed
 */
export async function extractInto(all: EntrySource, root: string, options: ExtractIntoOptions): Promise<ExtractIntoSummary> {
  const libc = await loadLibc();
  try {
    using target = Target.open(libc, root, options);
    const admits = (path: readonly Uint8Array[], { typeflag }: FileEntry): boolean => target.admits(path, typeflag === "5");
    const entries = new SelectedEntries(all, { ...options, ...(target.isEmpty ? {} : { admits }) });
    const { onlyTell } = options;
    const summary = onlyTell === undefined ? await extract(libc, root, options, entries) : await tell(entries, onlyTell);
    return { ...summary, taken: target.taken, firstTaken: target.firstTaken, unmet: entries.unmet };
  } catch (error) {
    if (!(error instanceof LibcError)) throw error;
    throw new ToolError("failed", `Cannot extract to "${root}": ${error.message}`, { facts: { path: root, call: error.call } });
  }
}

/** The directory that files go to, as far as it has some already. */
class Target implements Disposable {
  taken = 0;
  readonly firstTaken: string[] = [];
  readonly #force: boolean;
  /** Undefined if there are none. */
  readonly #names: TakenNames | undefined;

  private constructor(names: TakenNames | undefined, force: boolean) {
    this.#names = names;
    this.#force = force;
  }

  /** Looks into the directory, which may be missing as long as nothing is made. @throws LibcError */
  static open(libc: Libc, root: string, { force, onlyTell }: ExtractIntoOptions): Target {
    try {
      return new Target(TakenNames.open(libc, root), force);
    } catch (error) {
      if (onlyTell !== undefined && error instanceof LibcError && error.code === "ENOENT") return new Target(undefined, force);
      throw error;
    }
  }

  get isEmpty(): boolean {
    return this.#names === undefined;
  }

  admits(path: readonly Uint8Array[], isDirectory: boolean): boolean {
    if (this.#names === undefined) return true;
    if (path.length === 0) return false;
    if (this.#force || !this.#names.has(path, isDirectory)) return true;
    this.taken += 1;
    if (this.firstTaken.length < EXAMPLES) this.firstTaken.push(showPath(path));
    return false;
  }

  [Symbol.dispose](): void {
    this.#names?.close();
  }
}

async function extract(libc: Libc, root: string, options: ExtractIntoOptions, entries: SelectedEntries): Promise<ExtractSummary> {
  const extraction = new Extraction(libc, root, options);
  try {
    return await extraction.run(entries);
  } finally {
    extraction.close();
  }
}

async function tell(entries: SelectedEntries, onEntry: (path: string) => Promise<void>): Promise<ExtractSummary> {
  const summary = { entries: 0, bytes: 0 };
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
    summary.entries += 1;
    if (entry.typeflag === "0") summary.bytes += entry.size;
    await onEntry(showPath(splitEntryName(entry.name, entry.headerOffset)));
  }
  return summary;
}
