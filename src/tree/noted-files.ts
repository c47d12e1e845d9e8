/**
 * Entries on their way somewhere, some files of which are noted as they pass: that they are there, and what a small one holds. Afterwards they are
 * found by their paths, also through symbolic links in the directories at the top, such as `lib` to `usr/lib`, and to files that are noted too.
 *
 * What is kept is bounded, as names come from outside; what is too much is as if it were not there.
 */
import { concat, type ByteStream } from "../stream/bytes.ts";
import { splitEntryName } from "./entry-path.ts";
import { showPath, type EntrySource, type FileEntry } from "./selected-entries.ts";

/** What is known of a file: its content, if that is kept, or where a link leads, from the root if that begins with a slash. */
interface Noted {
  content?: Uint8Array;
  target?: string;
}

const NOTED_LIMIT = 256;
const TARGET_LIMIT_BYTES = 4096;
const CONTENT_LIMIT_BYTES = 64 * 1024;
const STEPS_LIMIT = 40;

/** Passes entries on. */
export class NotedFiles implements EntrySource {
  readonly #entries: EntrySource;
  /** Last names of the paths that are asked for. */
  readonly #names: ReadonlySet<string>;
  readonly #noted = new Map<string, Noted>();
  #highestId = 0;

  /** @param paths what will be asked for */
  constructor(entries: EntrySource, paths: readonly string[]) {
    this.#entries = entries;
    this.#names = new Set(paths.map((path) => path.slice(path.lastIndexOf("/") + 1)));
  }

  next(): FileEntry | undefined | Promise<FileEntry | undefined> {
    const entry = this.#entries.next();
    return entry instanceof Promise ? entry.then((late) => late && this.#note(late)) : entry && this.#note(entry);
  }

  /** The highest user or group id that a file belongs to. */
  get highestId(): number {
    return this.#highestId;
  }

  /** Whether there is a file of that path; a link counts wherever it leads. */
  has(path: string): boolean {
    return this.#find(path) !== undefined;
  }

  /** The content of a file; undefined if it is not there, too large, or a link to what is not noted. */
  content(path: string): Uint8Array | undefined {
    return this.#find(path)?.content;
  }

  #note(entry: FileEntry): FileEntry {
    const { typeflag, uid, gid } = entry;
    this.#highestId = Math.max(this.#highestId, uid, gid);
    if (!"012".includes(typeflag)) return entry;
    const steps = splitEntryName(entry.name, entry.headerOffset);
    const isNamed = this.#names.has(Buffer.from(steps.at(-1) ?? []).toString());
    if (!isNamed && (typeflag !== "2" || steps.length !== 1)) return entry;
    const path = showPath(steps);
    if (this.#noted.size >= NOTED_LIMIT && !this.#noted.has(path)) return entry;
    if (typeflag === "0") return this.#noteContent(entry, path);
    const { linkname } = entry;
    const target = linkname.length > TARGET_LIMIT_BYTES ? "" : Buffer.from(linkname).toString();
    this.#noted.set(path, { target: typeflag === "1" ? `/${target}` : target });
    return entry;
  }

  #noteContent(entry: FileEntry, path: string): FileEntry {
    const noted: Noted = {};
    this.#noted.set(path, noted);
    if (entry.data !== undefined) {
      if (entry.data.length <= CONTENT_LIMIT_BYTES) noted.content = entry.data.slice();
      return entry;
    }
    // what an entry knows of its data may change until that has been read, so it stays behind the new body
    return Object.create(entry, { body: { value: () => kept(entry.body(), (content) => (noted.content = content)) } }) as FileEntry;
  }

  /** Follows links as far as they are noted. @returns the file, or the last link to it */
  #find(path: string): Noted | undefined {
    const left = path.split("/").toReversed();
    let at: string[] = [];
    let link: Noted | undefined;
    for (let count = 0; left.length > 0 && count < STEPS_LIMIT; count += 1) {
      const step = left.pop() ?? "";
      const noted = this.#noted.get([...at, step].join("/"));
      if (step === "..") at.pop();
      else if (noted?.target !== undefined) {
        if (left.length === 0) link = noted;
        if (noted.target.startsWith("/")) at = [];
        left.push(...noted.target.split("/").toReversed());
      } else if (step !== "" && step !== ".") at.push(step);
    }
    return (left.length === 0 ? this.#noted.get(at.join("/")) : undefined) ?? link;
  }
}

async function* kept(body: ByteStream, onContent: (content: Uint8Array) => void): ByteStream {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes <= CONTENT_LIMIT_BYTES) chunks.push(chunk.slice());
    yield chunk;
  }
  if (bytes <= CONTENT_LIMIT_BYTES) onContent(concat(chunks));
}
