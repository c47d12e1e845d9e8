/** Streams to measure with, made once and kept beside what is known of them. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import * as zlib from "node:zlib";
import { makeImage } from "./make-image.ts";
import { makeStream, type BlockFlavour, type StreamFacts } from "./make-stream.ts";
import { makeTreeStream, type TreeFlavour } from "./tree-stream.ts";

/** What is in a stream: files of which only data counts, or files in directories; or what stands in its place, an archive of an image. */
export type Flavour = BlockFlavour | TreeFlavour | "image";

/** A stream on disk. */
export interface StreamFile extends StreamFacts {
  readonly flavour: Flavour;
  readonly path: string;
  /** How many times smaller `gzip -6` makes it, from a sample. */
  readonly gzipRatio: number;
}

const MIB = 1024 * 1024;
/** A sample of the stream is a piece of this size in every so many. */
const SAMPLE_BYTES = MIB;
const SAMPLE_EVERY = 32;
/** Part of the files' names, so that a stream made otherwise is not taken for one of today's. */
const VERSION = 1;

/** The stream of that size, made if it is not there. @param directory where streams are kept */
export function openStream(directory: string, flavour: Flavour, mebibytes: number): StreamFile {
  const file = path.join(directory, `${flavour}-${mebibytes}.v${VERSION}.zfs`);
  const notes = `${file}.json`;
  if (!fs.existsSync(notes)) {
    console.error(`making ${file}`);
    fs.mkdirSync(directory, { recursive: true });
    const bytes = mebibytes * MIB;
    fs.writeFileSync(notes, JSON.stringify({ ...make(file, flavour, bytes), gzipRatio: sampleRatio(file) }));
  }
  const facts = JSON.parse(fs.readFileSync(notes, "utf8")) as StreamFacts & { gzipRatio: number };
  return { ...facts, flavour, path: file };
}

function make(file: string, flavour: Flavour, bytes: number): StreamFacts {
  if (flavour === "image") return makeImage(file, bytes);
  return flavour === "tiny" || flavour === "mixed" ? makeTreeStream(file, flavour, bytes) : makeStream(file, flavour, bytes);
}

/** Cuts a stream into parts of about equal size. @returns the directory they are in */
export function cutStream({ path: file }: StreamFile, parts: number): string {
  const directory = `${file}.${parts}`;
  if (fs.existsSync(directory)) return directory;
  fs.mkdirSync(`${directory}.new`, { recursive: true });
  execFileSync("split", ["-n", String(parts), file, `${directory}.new/`]);
  fs.renameSync(`${directory}.new`, directory);
  return directory;
}

/** Reads files, and all files below directories, once, so that their next reader finds them in memory. */
export function warm(paths: readonly string[]): void {
  execFileSync("sh", ["-c", 'find "$@" -type f -exec cat {} + >/dev/null', "warm", ...paths]);
}

function sampleRatio(file: string): number {
  const fd = fs.openSync(file, "r");
  try {
    const piece = new Uint8Array(SAMPLE_BYTES);
    let raw = 0;
    let compressed = 0;
    for (let at = 0; ; at += SAMPLE_BYTES * SAMPLE_EVERY) {
      const count = fs.readSync(fd, piece, 0, SAMPLE_BYTES, at);
      if (count === 0) return raw / compressed;
      raw += count;
      compressed += zlib.gzipSync(piece.subarray(0, count), { level: 6 }).length;
    }
  } finally {
    fs.closeSync(fd);
  }
}
