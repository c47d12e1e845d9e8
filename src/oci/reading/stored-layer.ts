/** A layer as it is read: the blob checked, decompressed, and what comes of it checked again. */
import { damaged } from "../../errors.ts";
import { readAll, type ByteStream } from "../../stream/bytes.ts";
import type { Compression } from "../../stream/compression.ts";
import type { Descriptor } from "../descriptor.ts";
import { splitDigest, type Digest } from "../digest.ts";
import type { Blob, Layer } from "../image.ts";
import { layerType } from "../media-type.ts";
import { quoted } from "../quoted.ts";
import { checked } from "./checked.ts";
import { decompress, sniff } from "./decompress.ts";
import type { Expansion } from "./expansion.ts";

/** A layer. */
export class StoredLayer implements Layer {
  readonly descriptor: Descriptor;
  readonly diffId: Digest;
  readonly #blob: Blob | undefined;
  readonly #expansion: Expansion;

  /** @param parts of a layer that is not stored with the image, no blob */
  constructor(parts: { descriptor: Descriptor; diffId: Digest; blob: Blob | undefined; expansion: Expansion }) {
    this.descriptor = parts.descriptor;
    this.diffId = parts.diffId;
    this.#blob = parts.blob;
    this.#expansion = parts.expansion;
  }

  async *open(): ByteStream {
    const { descriptor, diffId } = this;
    const what = `layer "${descriptor.digest}"`;
    if (this.#blob === undefined) throw notDistributed(descriptor);
    const { compression, source, close } = await sniff(this.#blob.open(), what);
    try {
      this.#checkCompression(compression);
      const name = `layer ${descriptor.digest}`;
      const content = decompress(readAll(source), compression, { name, expansion: this.#expansion, use: this });
      const isChecked = compression === "none" && descriptor.digest === diffId;
      yield* isChecked ? content : checked(content, { digest: diffId, what, label: "diffID" });
    } finally {
      await close();
    }
  }

  /** What is stored is what the media type says, and a plain layer has one digest. */
  #checkCompression(actual: Compression): void {
    const { digest, mediaType } = this.descriptor;
    const said = layerType(mediaType)?.compression ?? actual;
    if (said !== actual) {
      throw damaged(`Cannot read layer "${digest}": its media type is ${quoted(mediaType)}, its compression is ${actual}`);
    }
    const isSameAlgorithm = splitDigest(digest).algorithm === splitDigest(this.diffId).algorithm;
    if (actual === "none" && isSameAlgorithm && digest !== this.diffId) {
      throw damaged(`Cannot read layer "${digest}": it is not compressed, and its diffID is "${this.diffId}"`);
    }
  }
}

function notDistributed({ digest, urls = [] }: Descriptor): Error {
  const hints = urls.length === 0 ? [] : [`It may be fetched from ${urls.map(quoted).join(", ")}`];
  return damaged(`Cannot read layer "${digest}": it is not distributed with the image`, { hints });
}
