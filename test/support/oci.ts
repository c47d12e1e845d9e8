/** Images made in memory, of small layers, whole or wrong on purpose. Digests are taken here by themselves, not by the code under test. */
import { createHash } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { ToolError } from "../../src/errors.ts";
import type { ByteSource } from "../../src/stream/bytes.ts";
import { collect } from "../../src/stream/bytes.ts";
import type { Blob, ImageArchive, Layer } from "../../src/oci/image.ts";
import { openImages, type OpenImagesOptions } from "../../src/oci/reading/open-images.ts";
import { sketchTar, type EntrySketch } from "./tar.ts";
import { VirtualFile } from "./virtual-file.ts";

/** A descriptor as JSON has it; fields may be wrong. */
export type RawDescriptor = Record<string, unknown> & { mediaType: string; digest: string; size: number };

/** A layer: the tar, and how it is stored. */
export interface LayerSketch {
  tar: Buffer;
  stored: Buffer;
  mediaType: string;
}

/** An image in a layout. */
export interface ImageSketch {
  descriptor: RawDescriptor;
  manifest: Record<string, unknown>;
  config: Buffer;
}

export const OCI = "application/vnd.oci.image";
export const DOCKER = "application/vnd.docker";

/** The digest of bytes, `sha256:…`. */
export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** The hex digits of the digest. */
export function hexOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** A layer with one file, stored as the media type of the OCI says. */
export function layer(name: string, compression: "none" | "gzip" | "zstd" = "none"): LayerSketch {
  const tar = sketchTar({ name, data: `this is ${name}\n` });
  const stored = { none: tar, gzip: gzipSync(tar), zstd: zstdCompressSync(tar) }[compression];
  return { tar, stored, mediaType: `${OCI}.layer.v1.tar${compression === "none" ? "" : `+${compression}`}` };
}

/** A layer of a few entries, stored as it is. */
export function entriesLayer(...entries: EntrySketch[]): LayerSketch {
  const tar = sketchTar(...entries);
  return { tar, stored: tar, mediaType: `${OCI}.layer.v1.tar` };
}

/** The configuration of an image of these layers. */
export function configOf(layers: readonly LayerSketch[], extra: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["/bin/sh"] },
    rootfs: { type: "layers", diff_ids: layers.map(({ tar }) => sha256(tar)) },
    ...extra,
  };
}

/** An OCI layout under construction. */
export class LayoutSketch {
  readonly files: Map<string, Buffer> = new Map([["oci-layout", json({ imageLayoutVersion: "1.0.0" })]]);
  readonly manifests: RawDescriptor[] = [];

  /** Adds a blob. */
  add(bytes: Buffer, mediaType: string): RawDescriptor {
    this.files.set(`blobs/${sha256(bytes).replace(":", "/")}`, bytes);
    return { mediaType, digest: sha256(bytes), size: bytes.length };
  }

  /** Adds an image, which nothing names yet. @param change what is different in the manifest */
  image(
    layers: readonly LayerSketch[],
    config: Record<string, unknown> = configOf(layers),
    change: Record<string, unknown> = {},
  ): ImageSketch {
    const raw = json(config);
    const manifest = {
      schemaVersion: 2,
      mediaType: `${OCI}.manifest.v1+json`,
      config: this.add(raw, `${OCI}.config.v1+json`),
      layers: layers.map(({ stored, mediaType }) => this.add(stored, mediaType)),
      ...change,
    };
    return { descriptor: this.add(json(manifest), manifest.mediaType), manifest, config: raw };
  }

  /** Adds an index, which nothing names yet. */
  index(manifests: readonly RawDescriptor[], change: Record<string, unknown> = {}): RawDescriptor {
    return this.add(json({ schemaVersion: 2, mediaType: `${OCI}.index.v1+json`, manifests, ...change }), `${OCI}.index.v1+json`);
  }

  /** Names something in index.json. */
  name(descriptor: RawDescriptor, refName?: string, annotations: Record<string, string> = {}): this {
    const names = refName === undefined ? annotations : { "org.opencontainers.image.ref.name": refName, ...annotations };
    this.manifests.push(Object.keys(names).length === 0 ? descriptor : { ...descriptor, annotations: names });
    return this;
  }

  /** Members of the tar; index.json comes last, as most writers have it. */
  entries(): EntrySketch[] {
    const index = this.files.get("index.json") ?? json({ schemaVersion: 2, manifests: this.manifests });
    const files = [...this.files, ["index.json", index] as const];
    return Array.from(new Map(files), ([name, data]) => ({ name, data }));
  }

  tar(): Buffer {
    return sketchTar(...this.entries());
  }
}

/** A docker-archive of one image, as Docker up to 24 writes it. */
export function dockerEntries(
  layers: readonly LayerSketch[],
  { config = configOf(layers), tags = ["example/app:1"] }: { config?: Record<string, unknown>; tags?: string[] | null } = {},
): EntrySketch[] {
  const raw = json(config);
  const directories = layers.map(({ stored }, index) => hexOf(Buffer.concat([Buffer.of(index), stored])));
  return [
    ...layers.flatMap(({ stored }, index) => [
      { name: `${directories[index]}/`, typeflag: "5", mode: 0o755 },
      { name: `${directories[index]}/VERSION`, data: "1.0" },
      { name: `${directories[index]}/json`, data: json({ id: directories[index], parent: directories[index - 1] }) },
      { name: `${directories[index]}/layer.tar`, data: stored },
    ]),
    { name: `${hexOf(raw)}.json`, data: raw },
    {
      name: "manifest.json",
      data: json([{ Config: `${hexOf(raw)}.json`, RepoTags: tags, Layers: directories.map((name) => `${name}/layer.tar`) }]),
    },
  ];
}

/** A value as the bytes of JSON. */
export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Opens a tar in memory, or anything else. */
export async function open(input: Uint8Array | ByteSource, options: OpenImagesOptions = {}): Promise<ImageArchive> {
  return await openImages(input instanceof Uint8Array ? VirtualFile.of(input) : input, "images.tar", options);
}

/** All of a blob, which must be there. */
export async function bytesOf(blob: Blob | undefined): Promise<Buffer> {
  if (blob === undefined) throw new Error("there is no such blob");
  return Buffer.concat(await Array.fromAsync(blob.open()));
}

/** All of a layer. */
export async function contentOf(one: Layer): Promise<Uint8Array> {
  return await collect(one.open(), 2 ** 31, () => new RangeError("too long"));
}

/** What went wrong, `damaged: <message>`; "accepted" if nothing did. Any other error is a bug and goes on. */
export async function refusalOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "accepted";
  } catch (error) {
    if (error instanceof ToolError) return `${error.code}: ${error.message}`;
    throw error;
  }
}
