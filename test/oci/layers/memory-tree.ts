/** A flattened image as a tree to make layers of, with all its data in memory. */
import { flatten } from "../../../src/oci/layers/flatten.ts";
import type { LayerSource } from "../../../src/oci/layers/layer-pass.ts";
import type { LayerTree, TreeFile } from "../../../src/oci/layers/layer-tree.ts";
import { collect } from "../../../src/stream/bytes.ts";
import type { TarEntry } from "../../../src/stream/tar/read.ts";
import { pathOf } from "./flat-facts.ts";
import { streamOf } from "../../support/tar.ts";

/** Flattens layers. @param change what is to be different about a file of the tree */
export async function memoryTree(
  layers: readonly LayerSource[],
  change: (file: TreeFile) => Partial<TreeFile> = () => ({}),
): Promise<LayerTree> {
  const entries = (await flatten(layers)).entries();
  const files = new Map<string, TreeFile>();
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
    const path = pathOf(entry.name).replace(/^\.$/, "");
    files.set(path, entry.typeflag === "1" ? linked(files, path, pathOf(entry.linkname)) : await fileOf(entry, path));
  }
  const sorted = [...files.values()].toSorted((a, b) => Buffer.compare(orderOf(a.path), orderOf(b.path)));
  return {
    async *walk() {
      for (const file of sorted) yield { ...file, ...change(file) };
    },
  };
}

async function fileOf(entry: TarEntry, path: string): Promise<TreeFile> {
  const { typeflag, mode, uid, gid, mtimeNs, linkname: target, devmajor: major, devminor: minor, pax, sparse } = entry;
  const bytes = await collect(entry.body(), 1e9, () => new Error("too long"));
  const data = { size: bytes.length, slack: 0, sparse, headerOffset: 0, dataOffset: 0, body: () => streamOf(bytes) };
  const size = sparse?.size ?? bytes.length;
  const facts = { path: Buffer.from(path), typeflag, mode, uid, gid, mtimeNs, size, target, device: { major, minor } };
  return { ...facts, xattrs: () => pax, data: () => data };
}

/** Another name of a file, which from now on is known to have several. */
function linked(files: Map<string, TreeFile>, path: string, first: string): TreeFile {
  const file = { ...(files.get(first) as TreeFile), identity: first };
  files.set(first, file);
  return { ...file, path: Buffer.from(path) };
}

/** In a walk what is below a directory comes right behind it. */
function orderOf(path: Uint8Array): Buffer {
  return Buffer.from(Buffer.from(path).toString("latin1").replaceAll("/", "\0"), "latin1");
}
