/**
 * Makes a docker-archive of any size, with the content of this machine's files in four layers that are not compressed, as `docker save` and `podman
 * save` write them.
 */
import { createHash, type Hash } from "node:crypto";
import * as fs from "node:fs";
import { paddingOf } from "../../src/stream/tar/header.ts";
import { encodeEntry, END_BLOCKS_BYTES } from "../../src/stream/tar/write.ts";
import { countedBytes, hostFiles } from "./host-files.ts";
import type { StreamFacts } from "./make-stream.ts";

/** A layer: files of this machine, and how large the tar of them is. */
interface Layer {
  readonly entries: readonly string[];
  readonly bytes: number;
}

/** What the image is called. */
export const IMAGE = "localhost/bench:1";

const LAYERS = 4;
const FIELDS = { uid: 0, gid: 0, mtimeNs: 1_700_000_000_000_000_000n };

/** Makes an archive of about that many bytes. */
export function makeImage(file: string, bytes: number): StreamFacts {
  const fd = fs.openSync(file, "w");
  try {
    const layers = [...divide(bytes)];
    const diffIds = layers.map((layer, index) => writeLayer(fd, layer, layerName(index)));
    const config = JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: diffIds } });
    writeText(fd, "config.json", config);
    writeText(
      fd,
      "manifest.json",
      JSON.stringify([{ Config: "config.json", RepoTags: [IMAGE], Layers: layers.map((_, index) => layerName(index)) }]),
    );
    write(fd, new Uint8Array(END_BLOCKS_BYTES));
    const files = layers.flatMap(({ entries }) => entries).filter((name) => !isDirectory(name));
    return { bytes: fs.fstatSync(fd).size, records: layers.length, files: files.length };
  } finally {
    fs.closeSync(fd);
  }
}

/** The machine's files, an equal share of the bytes for each layer, in the order in which a walk through directories finds them. */
function* divide(bytes: number): Generator<Layer> {
  const names = hostFiles()[Symbol.iterator]();
  for (let layer = 0; layer < LAYERS; layer += 1) {
    const files: string[] = [];
    let size = 0;
    while (size < bytes / LAYERS) {
      const next = names.next();
      if (next.done === true) throw new Error("this machine has too few files for an image of that size");
      files.push(next.value);
      size += entryBytes(next.value);
    }
    const entries = [...withDirectories(files.toSorted())];
    yield { entries, bytes: END_BLOCKS_BYTES + entries.reduce((sum, file) => sum + entryBytes(file), 0) };
  }
}

function writeLayer(fd: number, { entries, bytes }: Layer, name: string): string {
  write(fd, fileHeader(name, bytes));
  const hash = createHash("sha256");
  for (const file of entries) for (const part of entryOf(file)) write(fd, part, hash);
  write(fd, new Uint8Array(END_BLOCKS_BYTES), hash);
  write(fd, new Uint8Array(paddingOf(bytes)));
  return `sha256:${hash.digest("hex")}`;
}

function writeText(fd: number, name: string, text: string): void {
  const bytes = Buffer.from(text);
  for (const part of [fileHeader(name, bytes.length), bytes, new Uint8Array(paddingOf(bytes.length))]) write(fd, part); // prettier-ignore
}

function fileHeader(name: string, size: number): Uint8Array {
  return encodeEntry({ ...FIELDS, name: Buffer.from(name), typeflag: "0", mode: 0o644, size });
}

function entryOf(name: string): Uint8Array[] {
  if (isDirectory(name)) return [headerOf(name, 0)];
  const size = countedBytes(name);
  return [headerOf(name, size), fs.readFileSync(name).subarray(0, size), new Uint8Array(paddingOf(size))];
}

function entryBytes(name: string): number {
  const size = isDirectory(name) ? 0 : countedBytes(name);
  return headerOf(name, size).length + size + paddingOf(size);
}

function headerOf(name: string, size: number): Uint8Array {
  const typeflag = isDirectory(name) ? "5" : "0";
  return encodeEntry({ ...FIELDS, name: Buffer.from(name.slice(1)), typeflag, mode: 0o755, size });
}

function isDirectory(name: string): boolean {
  return name.endsWith("/");
}

/** Files, each behind the directories that it is in, whose names end with a slash. */
function* withDirectories(files: readonly string[]): Generator<string> {
  const seen = new Set(["/"]);
  for (const file of files) {
    const steps = file.split("/").slice(1, -1);
    for (const [index] of steps.entries()) {
      const directory = `/${steps.slice(0, index + 1).join("/")}/`;
      if (!seen.has(directory)) yield directory;
      seen.add(directory);
    }
    yield file;
  }
}

/** In a directory that is called as Docker calls them: by digits that are a digest of something. */
function layerName(index: number): string {
  return `${createHash("sha256").update(String(index)).digest("hex")}/layer.tar`;
}

function write(fd: number, bytes: Uint8Array, hash?: Hash): void {
  hash?.update(bytes);
  for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done);
}
