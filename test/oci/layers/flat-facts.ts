/** What a flattened image comes to, as a line for each name: for comparing with what a model or a person says that it should be. */
import { flatten } from "../../../src/oci/layers/flatten.ts";
import type { LayerSource } from "../../../src/oci/layers/layer-pass.ts";
import { collect, type ByteStream } from "../../../src/stream/bytes.ts";
import { paxXattrs } from "../../../src/stream/tar/pax.ts";
import type { TarEntry } from "../../../src/stream/tar/read.ts";
import { sketchTar, streamOf, type EntrySketch } from "../../support/tar.ts";

/** Lines by path; the root's is ".". */
export type FlatFacts = Record<string, string>;

/** What a line tells. */
export interface FileFacts {
  typeflag: string;
  mode: number;
  uid: number;
  mtimeNs: bigint;
  /** Data of a file, target of a link, numbers of a device. */
  content: string;
  xattrs: readonly string[];
  /** All paths of the same file. */
  names: readonly string[];
}

/** A layer of a few entries. */
export function layerOf(what: string, ...sketches: EntrySketch[]): LayerSource {
  return bytesLayer(what, sketchTar(...sketches));
}

/** A layer of bytes. */
export function bytesLayer(what: string, bytes: Uint8Array): LayerSource {
  return { what, open: () => streamOf(bytes, [1000]) };
}

/** Formats a line. */
export function factsLine({ typeflag, mode, uid, mtimeNs, content, xattrs, names }: FileFacts): string {
  const also = names.length > 1 ? ` names ${names.toSorted().join(",")}` : "";
  return `${typeflag} ${mode.toString(8)} ${uid} ${mtimeNs} ${content}${xattrs.map((xattr) => ` ${xattr}`).join("")}${also}`;
}

/** Flattens layers. */
export async function flatFacts(layers: readonly LayerSource[]): Promise<FlatFacts> {
  const entries = (await flatten(layers)).entries();
  const files = new Map<string, FileFacts & { names: string[] }>();
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
    const path = pathOf(entry.name);
    const target = entry.typeflag === "1" ? files.get(pathOf(entry.linkname)) : undefined;
    const file = target ?? (await factsOf(entry));
    // an entry comes behind its directory, a hard link behind its target, and no name comes twice
    if (file.typeflag === "1" || files.has(path) || (path !== "." && files.get(parentOf(path))?.typeflag !== "5"))
      throw new Error(`"${path}" (type ${entry.typeflag}) stands where it must not`);
    file.names.push(path);
    files.set(path, file);
  }
  return Object.fromEntries([...files].map(([path, file]) => [path, factsLine(file)]));
}

/** An extended attribute in a line. */
export function xattrText(name: Uint8Array, value: Uint8Array): string {
  return `${Buffer.from(name).toString()}=${Buffer.from(value).toString("latin1")}`;
}

/** The path without its ends. */
export function pathOf(name: Uint8Array): string {
  const path = Buffer.from(name).toString();
  if (!path.startsWith("./")) throw new Error(`"${path}" does not begin with "./"`);
  return path.slice(2).replace(/\/$/, "") || ".";
}

function parentOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : ".";
}

async function factsOf(entry: TarEntry): Promise<FileFacts & { names: string[] }> {
  const { typeflag, mode, uid, mtimeNs, pax } = entry;
  const xattrs = Array.from(paxXattrs(pax), ([name, value]) => xattrText(name, value)).toSorted();
  return { typeflag, mode, uid, mtimeNs, content: await contentOf(entry), xattrs, names: [] };
}

async function contentOf(entry: TarEntry): Promise<string> {
  if (entry.typeflag === "0") return await textOf(entry.body());
  return entry.typeflag === "3" ? `${entry.devmajor}:${entry.devminor}` : Buffer.from(entry.linkname).toString();
}

async function textOf(stream: ByteStream): Promise<string> {
  return Buffer.from(await collect(stream, 1e9, () => new Error("too long"))).toString();
}
