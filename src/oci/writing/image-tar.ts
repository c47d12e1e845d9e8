/**
 * The tar that images are written into: files that are root's, read-only, and of 1970, so that the same content gives the same bytes.
 *
 * Layers are named after their digests, and have a size that is known at their end. So in front of a layer's header stands an extended one whose
 * record `size` has room for any number; in an output that can be patched both headers are written blank and replaced. Through a pipe a layer
 * goes when its digest is known, with the same bytes.
 */
import type { ByteSink, ByteStream } from "../../stream/bytes.ts";
import { encodeHeader, paddingOf } from "../../stream/tar/header.ts";
import { octalLimit } from "../../stream/tar/number-field.ts";
import { encodePax } from "../../stream/tar/pax.ts";
import { encodeEntry, END_BLOCKS_BYTES } from "../../stream/tar/write.ts";
import { splitDigest, type Digest } from "../digest.ts";
import type { Blob } from "../image.ts";

/** What a layer came to. */
export interface LayerMember {
  readonly digest: Digest;
  /** Size in bytes. */
  readonly size: number;
}

const FILE_MODE = 0o444;
const DIRECTORY_MODE = 0o755;
const NO_DIGEST = `sha256:${"0".repeat(64)}` as Digest;
const NO_BYTES = new Uint8Array(0);
/** As many as a whole number has that can be counted with. */
const SIZE_DIGITS = 16;

/** Writes members in the order of its calls. */
export class ImageTar {
  readonly #sink: ByteSink;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  async directory(name: string): Promise<void> {
    await this.#sink.write([header(name, { typeflag: "5", mode: DIRECTORY_MODE, size: 0 })]);
  }

  async text(name: string, text: string): Promise<void> {
    const bytes = Buffer.from(text);
    await this.#sink.write([fileHeader(name, bytes.length), bytes, padding(bytes.length)]);
  }

  async blob(blob: Blob): Promise<void> {
    await this.#sink.write([fileHeader(blobPath(blob.digest), blob.size)]);
    for await (const chunk of blob.open()) await this.#sink.write([chunk]);
    await this.#sink.write([padding(blob.size)]);
  }

  /** Writes a layer that is known. @param bytes no more and no less than its size */
  async layer(layer: LayerMember, bytes: ByteStream): Promise<void> {
    await this.#sink.write([layerHeaders(layer)]);
    for await (const chunk of bytes) await this.#sink.write([chunk]);
    await this.#sink.write([padding(layer.size)]);
  }

  /** Writes a layer as it is made, where the output can be patched. @param finish tells what it came to, once it has been read to its end */
  async growingLayer(bytes: ByteStream, finish: () => Promise<LayerMember>): Promise<LayerMember> {
    const at = this.#sink.offset;
    await this.#sink.write([layerHeaders({ digest: NO_DIGEST, size: 0 })]);
    for await (const chunk of bytes) await this.#sink.write([chunk]);
    const layer = await finish();
    await this.#sink.write([padding(layer.size)]);
    await this.#sink.patch(at, layerHeaders(layer));
    return layer;
  }

  async end(): Promise<void> {
    await this.#sink.write([new Uint8Array(END_BLOCKS_BYTES)]);
    await this.#sink.flush();
  }
}

/** Where a blob is in a layout. */
export function blobPath(digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return `blobs/${algorithm}/${hex}`;
}

/** Always of the same length. */
function layerHeaders({ digest, size }: LayerMember): Uint8Array {
  const records = encodePax([["size", String(size).padStart(SIZE_DIGITS, "0")]]);
  const fields = { mode: FILE_MODE, uid: 0, gid: 0, mtime: 0, linkname: NO_BYTES, uname: "", gname: "", devmajor: 0, devminor: 0 };
  const name = Buffer.from(blobPath(digest));
  return Buffer.concat([
    encodeHeader({ ...fields, name: Buffer.from("PaxHeaders/layer"), typeflag: "x", size: records.length }),
    records,
    padding(records.length),
    encodeHeader({ ...fields, name, typeflag: "0", size: Math.min(size, octalLimit(12)) }),
  ]);
}

function fileHeader(name: string, size: number): Uint8Array {
  return header(name, { typeflag: "0", mode: FILE_MODE, size });
}

function header(name: string, fields: { typeflag: string; mode: number; size: number }): Uint8Array {
  return encodeEntry({ name: Buffer.from(name), uid: 0, gid: 0, mtimeNs: 0n, ...fields });
}

function padding(size: number): Uint8Array {
  return new Uint8Array(paddingOf(size));
}
