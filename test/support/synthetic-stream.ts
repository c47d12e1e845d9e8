/**
 * A stream of any number of small files, as `zfs send` would write it of a file system that holds them: to measure with, and to build others
 * on. As a program it writes one to stdout:
 *
 *     bun test/support/synthetic-stream.ts FILES > stream.zfs
 */
import { OT, ZplStream } from "./zpl-stream.ts";
import { attributeBuffer, layoutEntries, registryEntries, type AttributeValues } from "./zpl-attributes.ts";
import { fatZap, microZap, type ZapSketch } from "./zap.ts";

/** Objects that each file system has; others begin at {@link FIRST_FILE}. */
export const OBJECT = { master: 1, saMaster: 2, unlinked: 3, root: 4, registry: 5, layouts: 6 } as const;
export const FIRST_FILE = 128;

const FILES_PER_DIRECTORY = 1000;
const DIRECTORY = 0o040755;
const FILE = 0o100644;
const DIRENT_DIRECTORY = 4n << 60n;
const DIRENT_FILE = 8n << 60n;
const BLOCK_BYTES = 512;
/** Trivial ACL: owner, group, everyone. */
const ACES = Buffer.from("bf011e0000008000a000120000004000a000120000000000", "hex");
/** ZFS_ARCHIVE, ZFS_AV_MODIFIED and that the ACL is trivial. */
const FLAGS = 0x40800000004n;
const TIME = 1_700_000_000_123_456_789n;

/** Options of {@link syntheticStream}. */
export interface SyntheticOptions {
  files: number;
  /** 1000 if left out, at most 2046. */
  filesPerDirectory?: number;
  littleEndian?: boolean;
  toName?: string;
}

/** Records of a full stream: `d000000/f000000` and so on, each file with 512 bytes. */
export function* syntheticStream(options: SyntheticOptions): Generator<Uint8Array> {
  const { files, filesPerDirectory = FILES_PER_DIRECTORY, littleEndian = true, toName = "tank/synthetic@s" } = options;
  const stream = new ZplStream(littleEndian);
  const directories = Math.ceil(files / filesPerDirectory);
  const directoryObject = (index: number): number => FIRST_FILE + index * (filesPerDirectory + 1);
  yield stream.begin({ toName, toGuid: 0x5e1fn });
  const top = Array.from({ length: directories }, (_, index) => ({
    name: `d${String(index).padStart(6, "0")}`,
    value: BigInt(directoryObject(index)) | DIRENT_DIRECTORY,
  }));
  yield* fileSystemHead(stream, top);
  yield stream.freeObjects(OBJECT.layouts + 1, FIRST_FILE - OBJECT.layouts - 1);
  for (let index = 0; index < directories; index += 1) {
    yield* directoryRecords(stream, directoryObject(index), Math.min(filesPerDirectory, files - index * filesPerDirectory));
  }
  const last = directories === 0 ? FIRST_FILE : directoryObject(directories - 1) + ((files - 1) % filesPerDirectory) + 2;
  yield stream.freeObjects(last, 2n ** 64n - 1n - BigInt(last));
  yield stream.end();
}

/** Master node, attributes' registry and layouts, and a root directory. */
export function* fileSystemHead(stream: ZplStream, root: readonly ZapSketch[]): Generator<Uint8Array> {
  const { littleEndian } = stream;
  const number = (value: number): bigint => BigInt(value);
  const master = [
    { name: "ROOT", value: number(OBJECT.root) },
    { name: "SA_ATTRS", value: number(OBJECT.saMaster) },
    { name: "VERSION", value: 5n },
    { name: "DELETE_QUEUE", value: number(OBJECT.unlinked) },
  ];
  yield* zapObject(stream, { object: OBJECT.master, type: OT.master, blocks: [microZap(master, littleEndian)] });
  const sa = [
    { name: "REGISTRY", value: number(OBJECT.registry) },
    { name: "LAYOUTS", value: number(OBJECT.layouts) },
  ];
  yield* zapObject(stream, { object: OBJECT.saMaster, type: OT.saMaster, blocks: [microZap(sa, littleEndian)] });
  yield* zapObject(stream, { object: OBJECT.unlinked, type: OT.unlinked, blocks: [microZap([], littleEndian)] });
  const children = root.filter(({ value }) => typeof value === "bigint" && value >> 60n === 4n).length;
  const bonus = znode(littleEndian, { MODE: DIRECTORY, PARENT: OBJECT.root, LINKS: 2 + children, SIZE: 2 + root.length });
  yield* zapObject(stream, { object: OBJECT.root, type: OT.directory, bonus, blocks: directoryBlocks(root, littleEndian) });
  yield* zapObject(stream, { object: OBJECT.registry, type: OT.saRegistry, blocks: [microZap(registryEntries(), littleEndian)] });
  yield* zapObject(stream, { object: OBJECT.layouts, type: OT.saLayouts, blocks: fatZap(layoutEntries(), { littleEndian }) });
}

/** An object and its blocks. */
export function* zapObject(
  stream: ZplStream,
  { object, type, bonus = new Uint8Array(0), blocks }: { object: number; type: number; bonus?: Uint8Array; blocks: readonly Uint8Array[] },
): Generator<Uint8Array> {
  const blockSize = blocks[0]?.length ?? BLOCK_BYTES;
  yield stream.object({ object, type, blockSize, bonus });
  yield stream.free(object, blocks.length * blockSize);
  for (const [index, block] of blocks.entries()) yield stream.write(object, index * blockSize, block, { type });
}

/** A file's bonus buffer, in layout 2 or another that begins like it. */
export function znode(littleEndian: boolean, values: AttributeValues, layout = 2): Uint8Array {
  const common = { GEN: 7, FLAGS, ATIME: TIME, MTIME: TIME, CTIME: TIME, CRTIME: TIME, LINKS: 1, DACL_COUNT: 3, DACL_ACES: ACES };
  return attributeBuffer(layout, { ...common, ...values }, littleEndian);
}

function* directoryRecords(stream: ZplStream, directory: number, files: number): Generator<Uint8Array> {
  const { littleEndian } = stream;
  const entries = Array.from({ length: files }, (_, file) => ({
    name: `f${String(file).padStart(6, "0")}`,
    value: BigInt(directory + 1 + file) | DIRENT_FILE,
  }));
  const bonus = znode(littleEndian, { MODE: DIRECTORY, PARENT: OBJECT.root, LINKS: 2, SIZE: 2 + files });
  yield* zapObject(stream, { object: directory, type: OT.directory, bonus, blocks: [microZap(entries, littleEndian)] });
  const file = znode(littleEndian, { MODE: FILE, PARENT: directory, SIZE: BLOCK_BYTES });
  for (let object = directory + 1; object <= directory + files; object += 1) {
    yield stream.object({ object, type: OT.file, blockSize: BLOCK_BYTES, bonus: file });
    yield stream.free(object, BLOCK_BYTES);
    yield stream.write(object, 0, Buffer.alloc(BLOCK_BYTES, `${object} `));
  }
}

/** A directory as ZFS would have it: in one block, up to 2047 names of at most 49 bytes. */
function directoryBlocks(entries: readonly ZapSketch[], littleEndian: boolean): readonly Uint8Array[] {
  const isMicro = entries.length < 2047 && entries.every(({ name }) => name.length < 50);
  if (isMicro) return [microZap(entries, littleEndian)];
  const prefixBits = Math.ceil(Math.log2(entries.length / 40));
  return fatZap(entries, { littleEndian, blockShift: 14, prefixBits });
}

if (import.meta.main) {
  const { writeSync } = await import("node:fs");
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  const flush = (): void => {
    const all = Buffer.concat(waiting);
    for (let at = 0; at < all.length;) at += writeSync(1, all, at);
    waiting = [];
    bytes = 0;
  };
  for (const record of syntheticStream({ files: Number(process.argv[2]) })) {
    waiting.push(record);
    bytes += record.length;
    if (bytes > 1024 * 1024) flush();
  }
  flush();
}
