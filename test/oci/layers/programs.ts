/** What other programs make of the layers of an image, and what we do, as listings of the directories that they are unpacked to. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { flatten } from "../../../src/oci/layers/flatten.ts";
import { extractInto } from "../../../src/tree/extract-into.ts";
import { LayoutSketch, OCI } from "../../support/oci.ts";
import { run } from "../../support/platform.ts";
import { listTree } from "../../support/tree-listing.ts";
import { bytesLayer } from "./flat-facts.ts";

/** How a program unpacks layers below a directory, which is there. @returns lines; undefined if it refused */
export type Unpack = (directory: string, layers: readonly Uint8Array[]) => Promise<string[] | undefined>;

/** Flattened and extracted by us. @throws ToolError */
export async function unpackOurs(directory: string, layers: readonly Uint8Array[]): Promise<string[]> {
  const root = join(directory, "ours");
  mkdirSync(root);
  const entries = (await flatten(layers.map((tar, index) => bytesLayer(`layer ${index}`, tar)))).entries();
  const onLoss = (loss: unknown): never => {
    throw new Error(`lost: ${JSON.stringify(loss)}`);
  };
  await extractInto(entries, root, { patterns: [], stripComponents: 0, force: false, onLoss });
  return await listTree(root);
}

/** As root. */
export async function unpackUmoci(directory: string, layers: readonly Uint8Array[]): Promise<string[] | undefined> {
  const layout = join(directory, "layout");
  mkdirSync(layout);
  await run(["tar", "-C", layout, "-xf", writeImage(directory, layers)]);
  const bundle = join(directory, "bundle");
  const { code } = await run(["umoci", "unpack", "--image", `${layout}:tag`, bundle]);
  return code === 0 ? await listTree(join(bundle, "rootfs")) : undefined;
}

/** With a storage of its own, and the driver that puts all layers into one directory. */
export async function unpackPodman(directory: string, layers: readonly Uint8Array[]): Promise<string[] | undefined> {
  const image = writeImage(directory, layers);
  const storage = ["--storage-driver=vfs", `--root=${join(directory, "storage")}`, `--runroot=${join(directory, "run")}`];
  const podman = (...args: string[]): ReturnType<typeof run> => run(["podman", ...storage, ...args]);
  try {
    const loaded = await podman("load", "--quiet", "--input", image);
    if (loaded.code !== 0) return undefined;
    const { stdout: id } = await podman("images", "--quiet", "--no-trunc");
    const mounted = await podman("image", "mount", id.trim());
    return mounted.code === 0 ? await listTree(mounted.stdout.trim()) : undefined;
  } finally {
    await podman("image", "umount", "--all");
    rmSync(join(directory, "storage"), { recursive: true, force: true });
  }
}

/** Writes a tar with an OCI layout in it, every other layer gzipped. @returns its path */
function writeImage(directory: string, layers: readonly Uint8Array[]): string {
  const layout = new LayoutSketch();
  const sketches = layers.map((bytes, index) => {
    const tar = Buffer.from(bytes);
    const isPlain = index % 2 === 0;
    return { tar, stored: isPlain ? tar : gzipSync(tar), mediaType: `${OCI}.layer.v1.tar${isPlain ? "" : "+gzip"}` };
  });
  layout.name(layout.image(sketches).descriptor, "tag");
  const path = join(directory, "image.tar");
  writeFileSync(path, layout.tar());
  return path;
}

/**
 * Lines to compare: where the other program has left a directory with the time at which it worked in it, ours says nothing either.
 *
 * @param since nanoseconds since 1970 before it worked
 */
export function comparable(ours: readonly string[], theirs: readonly string[], since: bigint): { ours: string[]; theirs: string[] } {
  const timeless = new Set<string>();
  const cut = theirs.map((line) => {
    const [, head = "", time = "", rest = ""] = /^(.* dir \d+ \d+:\d+) (-?\d+)ns(.*)$/.exec(line) ?? [];
    if (head === "" || BigInt(time) < since) return line;
    timeless.add(head);
    return head + rest;
  });
  return { ours: ours.map((line) => withoutTime(line, timeless)), theirs: cut };
}

function withoutTime(line: string, timeless: ReadonlySet<string>): string {
  const [, head = "", rest = ""] = /^(.* dir \d+ \d+:\d+) -?\d+ns(.*)$/.exec(line) ?? [];
  return timeless.has(head) ? head + rest : line;
}
