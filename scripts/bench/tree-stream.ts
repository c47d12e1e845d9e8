/**
 * Makes a ZFS stream of any size whose files are in directories, so that they can be listed and extracted: written from nothing, as `zfs send` would
 * write it of a file system that holds them. Every checksum holds.
 *
 * `tiny` has files of 1 to 4 KiB, a hundred in a directory. `mixed` has the content of this machine's files, thirty in a directory. Within a directory
 * the order of names is not that of objects, as it is not where files were made in the order of another directory's hashes.
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { fileSystemHead, FIRST_FILE, OBJECT, zapObject, znode } from "../../test/support/synthetic-stream.ts";
import { microZap, type ZapSketch } from "../../test/support/zap.ts";
import { OT, ZplStream } from "../../test/support/zpl-stream.ts";
import { countedBytes, fileBlocks, hostFiles, roundUp } from "./host-files.ts";
import type { StreamFacts } from "./make-stream.ts";

/** What the files are. */
export type TreeFlavour = "tiny" | "mixed";

const TO_NAME = "bench/ct/source@osctl-base-0";
const FILES_PER_DIRECTORY = { tiny: 100, mixed: 30 } as const;
const SECTOR_BYTES = 512;
/** About what the records of a file take besides its data. */
const RECORDS_BYTES = 1250;
const TINY_SECTORS = { least: 2, most: 8 } as const;
const DIRECTORY_MODE = 0o040755;
const FILE_MODE = 0o100644;
const DIRENT_DIRECTORY = 4n << 60n;
const DIRENT_FILE = 8n << 60n;
const WRITE_BYTES = 4 * 1024 * 1024;

/** The blocks of a file; the same memory may be used for each. */
type Blocks = Iterable<Uint8Array>;

/** Makes a stream of about that many bytes. */
export function makeTreeStream(file: string, flavour: TreeFlavour, bytes: number): StreamFacts {
  const directories = [...divide(flavour, bytes)];
  const out = new RecordFile(file);
  try {
    const stream = new ZplStream();
    out.add(stream.begin({ toName: TO_NAME }));
    const numbers = directories.map((_, index) => FIRST_FILE + index * (FILES_PER_DIRECTORY[flavour] + 1));
    const root = numbers.map((object, index): ZapSketch => ({ name: `d${index}`, value: BigInt(object) | DIRENT_DIRECTORY }));
    for (const record of fileSystemHead(stream, root)) out.add(record);
    directories.forEach((files, index) => writeDirectory(stream, out, { object: numbers[index] ?? 0, files }));
    out.add(stream.end());
    return { bytes: out.bytes, records: out.records, files: directories.flat().length };
  } finally {
    out.close();
  }
}

/** Files, as so many to a directory as come to that many bytes. */
function* divide(flavour: TreeFlavour, bytes: number): Generator<Blocks[]> {
  let files: Blocks[] = [];
  let left = bytes;
  for (const { blocks, size } of flavour === "tiny" ? tinyFiles() : machineFiles()) {
    if (left <= 0) break;
    left -= RECORDS_BYTES + size;
    files.push(blocks);
    if (files.length < FILES_PER_DIRECTORY[flavour]) continue;
    yield files;
    files = [];
  }
  if (files.length > 0) yield files;
}

function* tinyFiles(): Generator<{ blocks: Blocks; size: number }> {
  for (let index = 0; ; index += 1) {
    const sectors = TINY_SECTORS.least + ((index * 7919) % (TINY_SECTORS.most - TINY_SECTORS.least + 1));
    yield { blocks: filled(sectors * SECTOR_BYTES, 33 + (index % 90)), size: sectors * SECTOR_BYTES };
  }
}

/** A block that is made when it is wanted. */
function* filled(bytes: number, byte: number): Generator<Uint8Array> {
  yield new Uint8Array(bytes).fill(byte);
}

function* machineFiles(): Generator<{ blocks: Blocks; size: number }> {
  const names = hostFiles();
  for (;;) for (const name of names) yield { blocks: fileBlocks(name), size: countedBytes(name) };
}

function writeDirectory(stream: ZplStream, out: RecordFile, { object, files }: { object: number; files: readonly Blocks[] }): void {
  const entries = files.map((_, index): ZapSketch => ({ name: nameOf(object, index), value: BigInt(object + 1 + index) | DIRENT_FILE }));
  const bonus = znode(true, { MODE: DIRECTORY_MODE, PARENT: OBJECT.root, LINKS: 2, SIZE: 2 + files.length });
  for (const record of zapObject(stream, { object, type: OT.directory, bonus, blocks: [microZap(entries)] })) out.add(record);
  files.forEach((blocks, index) => writeFile(stream, out, { object: object + 1 + index, parent: object, blocks }));
}

function writeFile(
  stream: ZplStream,
  out: RecordFile,
  { object, parent, blocks }: { object: number; parent: number; blocks: Blocks },
): void {
  const held = Array.from(blocks, (block) => block.slice());
  const size = held.reduce((sum, { length }) => sum + length, 0);
  const blockSize = held[0]?.length ?? SECTOR_BYTES;
  out.add(stream.object({ object, type: OT.file, blockSize, bonus: znode(true, { MODE: FILE_MODE, PARENT: parent, SIZE: size }) }));
  out.add(stream.free(object, roundUp(size, blockSize)));
  for (const [index, block] of held.entries()) out.add(stream.write(object, index * blockSize, block));
}

function nameOf(directory: number, index: number): string {
  return createHash("md5").update(`${directory} ${index}`).digest("hex").slice(0, 12);
}

/** Records on their way to a file. */
class RecordFile {
  readonly #fd: number;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #written = 0;
  records = 0;

  constructor(file: string) {
    this.#fd = fs.openSync(file, "w");
  }

  get bytes(): number {
    return this.#written + this.#heldBytes;
  }

  add(record: Uint8Array): void {
    this.#held.push(record);
    this.#heldBytes += record.length;
    this.records += 1;
    if (this.#heldBytes > WRITE_BYTES) this.#flush();
  }

  close(): void {
    this.#flush();
    fs.closeSync(this.#fd);
  }

  #flush(): void {
    const all = Buffer.concat(this.#held);
    for (let done = 0; done < all.length;) done += fs.writeSync(this.#fd, all, done);
    this.#written += all.length;
    this.#held = [];
    this.#heldBytes = 0;
  }
}
