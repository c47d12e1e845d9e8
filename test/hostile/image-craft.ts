/** Archives of images with one thing wrong. */
import * as fs from "node:fs";
import * as path from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  configOf,
  dockerEntries,
  hexOf,
  json,
  layer,
  LayoutSketch,
  OCI,
  type ImageSketch,
  type LayerSketch,
  type RawDescriptor,
} from "../support/oci.ts";
import { tar, type Entry } from "./craft.ts";

export const LOWER: LayerSketch = layer("lower");
export const GZIPPED: LayerSketch = layer("gzipped", "gzip");
export const ZSTD: LayerSketch = layer("zstd", "zstd");
/** The digest of nothing that is there. */
export const NOWHERE: string = "00".repeat(32);
export const INDEX_TYPE: string = `${OCI}.index.v1+json`;
export const MANIFEST_TYPE: string = `${OCI}.manifest.v1+json`;
export const GZIP_LAYER_TYPE: string = `${OCI}.layer.v1.tar+gzip`;
/** A manifest that is nowhere. */
export const ABSENT: RawDescriptor = { mediaType: MANIFEST_TYPE, digest: `sha256:${NOWHERE}`, size: 10 };
export const MARKER: Entry = { name: "oci-layout", data: json({ imageLayoutVersion: "1.0.0" }) };

/** A layout with one image, changed before it is written. */
export function layoutWith(
  change: (layout: LayoutSketch, image: ImageSketch) => void,
  layers: readonly LayerSketch[] = [LOWER, GZIPPED],
): Buffer {
  const layout = new LayoutSketch();
  const image = layout.image(layers);
  layout.name(image.descriptor, "app:1");
  change(layout, image);
  return layout.tar();
}

/** A layout with one image, whose manifest is changed. */
export function manifestWith(change: Record<string, unknown>, layers: readonly LayerSketch[] = [LOWER, GZIPPED]): Buffer {
  const layout = new LayoutSketch();
  return layout.name(layout.image(layers, configOf(layers), change).descriptor, "app:1").tar();
}

/** A layout with one image, whose configuration is changed. */
export function configWith(change: Record<string, unknown>, layers: readonly LayerSketch[] = [LOWER, GZIPPED]): Buffer {
  const layout = new LayoutSketch();
  return layout.name(layout.image(layers, configOf(layers, change)).descriptor, "app:1").tar();
}

/** A layout whose index.json is this. */
export function indexOf(value: unknown): Buffer {
  const layout = new LayoutSketch();
  layout.files.set("index.json", Buffer.isBuffer(value) ? value : json(value));
  return layout.tar();
}

/** A layout whose index.json lists one descriptor, changed. */
export function listedAs(change: Record<string, unknown>): Buffer {
  return layoutWith((layout, { descriptor }) => {
    layout.manifests.length = 0;
    layout.name({ ...descriptor, ...change });
  });
}

/** A docker-archive whose manifest.json has one image, changed, with other members behind. */
export function dockerWith(change: Record<string, unknown>, others: readonly Entry[] = []): Buffer {
  const entries = dockerEntries([LOWER]).map((entry): Entry => {
    if (entry.name !== "manifest.json") return entry;
    const [image] = JSON.parse(Buffer.from(entry.data as Buffer).toString()) as Record<string, unknown>[];
    return { ...entry, data: json([{ ...image, ...change }]) };
  });
  return tar(...entries, ...others);
}

/** A docker-archive of one layer, which is this tar. */
export function dockerOf(content: Buffer): Buffer {
  return tar(...(dockerEntries([{ tar: content, stored: content, mediaType: LOWER.mediaType }]) as Entry[]));
}

/** A layer that is this tar, compressed. */
export function gzipped(content: Buffer): LayerSketch {
  return { tar: content, stored: gzipSync(content), mediaType: GZIP_LAYER_TYPE };
}

/** A layer that is said to be one tar, and is stored as something else. */
export function disguised(sketch: LayerSketch, stored: Buffer, mediaType: string = sketch.mediaType): LayerSketch {
  return { tar: sketch.tar, stored, mediaType };
}

/** Bytes with one bit changed. */
export function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** Where a blob is in a layout. */
export function pathOf(bytes: Buffer): string {
  return `blobs/sha256/${hexOf(bytes)}`;
}

/** Writes a layout with one image into a directory. */
export function layDirectory(directory: string): void {
  const layout = new LayoutSketch();
  layout.name(layout.image([LOWER]).descriptor, "app:1");
  for (const { name, data = "" } of layout.entries()) {
    fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    fs.writeFileSync(path.join(directory, name), data);
  }
}

/** Compressed zeros, in members of 32 MiB. */
export function gzipZeros(mebibytes: number): Buffer {
  return repeated(gzipSync(Buffer.alloc(ZEROS_BYTES)), mebibytes / 32);
}

export function zstdZeros(mebibytes: number): Buffer {
  return repeated(zstdCompressSync(Buffer.alloc(ZEROS_BYTES)), mebibytes / 32);
}

/** Bytes again and again. */
function repeated(bytes: Buffer, times: number): Buffer {
  return Buffer.concat(Array.from({ length: Math.ceil(times) }, () => bytes));
}

const ZEROS_BYTES = 32 * 1024 * 1024;
