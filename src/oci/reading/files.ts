/** What images are stored in, as files by their paths: the members of a tar, or a directory. */
import { damaged } from "../../errors.ts";
import { collect, type ByteStream } from "../../stream/bytes.ts";
import { JSON_LIMIT_BYTES } from "../json.ts";
import { quoted } from "../quoted.ts";

/** A file. */
export interface StoredFile {
  readonly path: string;
  /** Size in bytes. */
  readonly size: number;
  /** Its bytes, no more and no less than the size, or the first of them; may be opened again. */
  open(maxBytes?: number): ByteStream;
}

/** Files by paths that have no `.`, no `..` and no `/` at either end. */
export interface StoredFiles {
  /** Undefined if there is none. @throws ToolError damaged for what is no file, such as a symbolic link */
  find(path: string): StoredFile | undefined;
  /** The same, through links that stay inside; where there are none to follow, it finds no more. @throws ToolError damaged for links that leave, or lead in a circle */
  follow(path: string): StoredFile | undefined;
  /** All paths; of a directory, those of blobs. */
  readonly paths: Iterable<string>;
}

/** Reads a JSON text. @throws ToolError damaged if it is too large to be one */
export async function readJsonFile(file: StoredFile): Promise<Uint8Array> {
  checkJsonSize(file);
  return await collect(file.open(), JSON_LIMIT_BYTES, () => new RangeError(`${file.path} gave more than ${file.size} bytes`));
}

/** Refuses what is too large to be a JSON text. @throws ToolError damaged */
export function checkJsonSize({ path, size }: Pick<StoredFile, "path" | "size">): void {
  if (size <= JSON_LIMIT_BYTES) return;
  throw damaged(`Cannot read ${quoted(path)}: it has ${size} bytes, more than ${JSON_LIMIT_BYTES}`, { facts: { size } });
}

/** A path as files are found by it; undefined if it leaves what they are stored in. */
export function storedPath(name: string): string | undefined {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  return name.startsWith("/") || parts.includes("..") ? undefined : parts.join("/");
}

/** The file under a path that something names, through links. @throws ToolError damaged if it is missing, or the path leaves */
export function requireFile(files: StoredFiles, name: string, where: string): StoredFile {
  const path = storedPath(name);
  if (path === undefined) throw damaged(`Cannot read ${where}: the path ${quoted(name)} leaves the archive`);
  const file = files.follow(path);
  if (file === undefined) throw damaged(`Cannot read images: ${quoted(name)} is missing, which ${where} names`);
  return file;
}
