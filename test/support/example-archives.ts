/**
 * Archives made of the example directories in test/fixtures/examples, as each writer makes them: ours, and upstream's, whose headers are
 * encoded here once more from the format's description, apart from the code under test.
 */
import * as fs from "node:fs";
import { gzipSync } from "node:zlib";
import { ArchiveWriter } from "../../src/archive/write.ts";
import { example, MemorySink } from "./archive.ts";
import { streamOf } from "./tar.ts";

/** The examples that are containers. */
export const EXAMPLES = [
  "01-full-zfs-consistent",
  "02-full-zfs-minimal-stopped",
  "03-skel-for-send",
  "04-repository-image-tar",
  "05-repository-image-zfs",
  "06-openvz-converter-tar",
  "07-legacy-2018-shapes",
  "08-newer-upstream-2025plus",
] as const;
export type ExampleName = (typeof EXAMPLES)[number];

/**
 * `ours` and `golden` are the two writers; `no-end-blocks` is what upstream's image builder leaves out, `shuffled` has all members the other
 * way round, and `split` has each stream in three pieces, the last one empty.
 */
export const VARIANTS = ["ours", "golden", "no-end-blocks", "shuffled", "split"] as const;
export type Variant = (typeof VARIANTS)[number];

/** An entry to be written. */
export interface ExampleEntry {
  name: string;
  mode: number;
  /** Undefined for a directory. */
  data: Uint8Array | undefined;
}

/** Options of {@link packExample}. */
export interface PackOptions {
  /** Content of each stream member, in order, instead of placeholders for all that the example has. */
  streams?: Readonly<Record<string, Uint8Array>>;
}

/** Streams of each example: what MEMBERS.txt and NOTE.txt of the examples say, root first. */
const STREAMS: Readonly<Record<ExampleName, readonly string[]>> = {
  "01-full-zfs-consistent": ["base", "incremental"].flatMap((kind) =>
    ["", "srv/", "srv/data/"].map((path) => `rootfs/${path}${kind}.dat.gz`),
  ),
  "02-full-zfs-minimal-stopped": ["rootfs/base.dat.gz"],
  "03-skel-for-send": [],
  "04-repository-image-tar": ["rootfs/base.tar.gz"],
  "05-repository-image-zfs": ["rootfs/base.dat.gz", "rootfs/nix/base.dat.gz"],
  "06-openvz-converter-tar": ["rootfs/base.tar.gz"],
  "07-legacy-2018-shapes": ["rootfs/base.dat.gz"],
  "08-newer-upstream-2025plus": ["rootfs/base.dat.gz"],
};
const HOOKS = ["hooks/pre-start", "hooks/post-stop.d/10-notify"];
const FILE_MODE = 0o100644;
const HOOK_MODE = 0o100755;
const DIRECTORY_MODE = 0o040755;
const MTIME = 1_729_850_401;
const END_BLOCKS = Buffer.alloc(1024);

/** Packs an example. */
export async function packExample(name: ExampleName, variant: Variant, options: PackOptions = {}): Promise<Uint8Array> {
  const entries = exampleEntries(name, options.streams);
  if (variant === "ours") return await packOurs(entries);
  if (variant === "no-end-blocks") return packUpstream(entries);
  if (variant === "golden") return Buffer.concat([packUpstream(entries), END_BLOCKS]);
  const changed = variant === "shuffled" ? entries.toReversed() : entries.flatMap(splitStream);
  return Buffer.concat([packUpstream(changed), END_BLOCKS]);
}

/** All entries of an example, in upstream's order. */
export function exampleEntries(name: ExampleName, streams?: Readonly<Record<string, Uint8Array>>): ExampleEntry[] {
  const data = streams ?? Object.fromEntries(STREAMS[name].map((member) => [member, gzipSync(`placeholder of ${member}\n`.repeat(99))]));
  const hooks = HOOKS.filter((hook) => exists(name, hook));
  return [
    ...texts(name, ["metadata.yml"]),
    directory("config"),
    ...texts(name, ["config/user.yml", "config/group.yml", "config/container.yml"]),
    ...(hooks.length > 0 ? [directory("hooks")] : []),
    ...hooks.flatMap((hook) => [
      ...(hook.includes(".d/") ? [directory(hook.slice(0, hook.lastIndexOf("/")))] : []),
      text(name, hook, HOOK_MODE),
    ]),
    ...directoriesOf(Object.keys(data)).map(directory),
    ...Object.entries(data).map(([member, bytes]) => ({ name: member, mode: FILE_MODE, data: bytes })),
    ...texts(name, ["snapshots.yml"]),
  ];
}

/** A header as RubyGems' TarWriter writes it; a size that does not fit is cut, as there. */
export function upstreamHeader(entry: { name: string; mode: number; size: number; typeflag?: string; mtime?: number }): Buffer {
  const header = Buffer.alloc(512);
  const cut = entry.name.length > 100 ? entry.name.lastIndexOf("/") : -1;
  header.write(entry.name.slice(cut + 1), 0);
  header.write(`${entry.mode.toString(8).padStart(7, "0")}\0${"0".repeat(7)}\0${"0".repeat(7)}\0`, 100);
  header.write(entry.size.toString(8).padStart(11, "0").slice(0, 12), 124);
  header.write((entry.mtime ?? MTIME).toString(8).padStart(11, "0"), 136);
  header.write(`${" ".repeat(8)}${entry.typeflag ?? "0"}`, 148);
  header.write("ustar\x0000wheel", 257);
  header.write("wheel", 297);
  header.write(`${"0".repeat(7)}\0${"0".repeat(7)}\0${entry.name.slice(0, Math.max(0, cut))}`, 329);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** Entries as RubyGems' TarWriter writes them, without end blocks. */
export function packUpstream(entries: readonly ExampleEntry[]): Buffer {
  const blocks = entries.flatMap(({ name, mode, data }) => {
    const size = data?.length ?? 0;
    return [upstreamHeader({ name, mode, size, typeflag: data === undefined ? "5" : "0" }), data ?? Buffer.alloc(0), padding(size)];
  });
  return Buffer.concat(blocks);
}

async function packOurs(entries: readonly ExampleEntry[]): Promise<Uint8Array> {
  const sink = new MemorySink("pipe");
  const writer = new ArchiveWriter(sink, { mtime: MTIME, chunkBytes: 1024 });
  for (const { name, mode, data } of entries) {
    if (data === undefined) await writer.directory(name);
    else if (isStream(name)) await writer.stream(name, streamOf(data));
    else await writer.file(name, data, mode);
  }
  await writer.end();
  return sink.bytes();
}

function splitStream(entry: ExampleEntry): ExampleEntry[] {
  const { name, data } = entry;
  if (data === undefined || !isStream(name)) return [entry];
  const at = Math.floor(data.length / 3);
  return [data.subarray(0, at), data.subarray(at), data.subarray(data.length)].map((piece) => ({ ...entry, data: piece }));
}

function isStream(name: string): boolean {
  return name.startsWith("rootfs/");
}

/** `rootfs`, for ZFS again with a slash, then one of each subdataset. */
function directoriesOf(streams: readonly string[]): string[] {
  if (streams.length === 0) return [];
  const bases = streams.filter((name) => /\/base\.dat(\.gz)?$/.test(name));
  return ["rootfs", ...bases.map((name) => name.slice(0, name.lastIndexOf("/"))).map((path) => (path === "rootfs" ? "rootfs/" : path))];
}

function directory(name: string): ExampleEntry {
  return { name, mode: DIRECTORY_MODE, data: undefined };
}

function texts(name: ExampleName, members: readonly string[]): ExampleEntry[] {
  return members.filter((member) => exists(name, member)).map((member) => text(name, member, FILE_MODE));
}

function text(name: ExampleName, member: string, mode: number): ExampleEntry {
  return { name: member, mode, data: example(`${name}/${member}`) };
}

function exists(name: ExampleName, member: string): boolean {
  return fs.existsSync(new URL(`../fixtures/examples/${name}/${member}`, import.meta.url));
}

function padding(size: number): Buffer {
  return Buffer.alloc((512 - (size % 512)) % 512);
}
