/**
 * Images put together from archives that have no manifests: one is made of each image, of the OCI's types, which whoever reads Docker's reads too,
 * but not the other way round. Digests of what is stored plain are known from the configuration; what is compressed is read for them.
 */
import { collect } from "../../stream/bytes.ts";
import { compressionOf, MAGIC_BYTES, type Compression } from "../../stream/compression.ts";
import { observed } from "../../stream/digest.ts";
import { displayName } from "../../stream/tar/display-name.ts";
import type { ImageConfig } from "../config.ts";
import type { Descriptor } from "../descriptor.ts";
import { Hasher, type Digest } from "../digest.ts";
import type { Blob, BlobSource, Image } from "../image.ts";
import { makeManifest } from "../manifest.ts";
import { layerMediaType, MEDIA_TYPES } from "../media-type.ts";
import { quoted } from "../quoted.ts";
import { fileBlob, memoryBlob } from "./blobs.ts";
import { decompress } from "./decompress.ts";
import { Expansion } from "./expansion.ts";
import type { StoredFile } from "./files.ts";
import { joinNames, type Contents } from "./contents.ts";
import { StoredLayer } from "./stored-layer.ts";

/** Of what is stored, and of what it is once decompressed. */
interface Digests {
  readonly digest: Digest;
  readonly diffId: Digest;
}

/** A layer that is a file. */
export interface FileLayer extends Digests {
  readonly file: StoredFile;
  readonly compression: Compression;
}

/** Collects images, and is where their blobs are found. */
export class Assembly implements BlobSource {
  readonly #expansion = new Expansion();
  readonly #blobs = new Map<Digest, Blob>();
  readonly #images = new Map<Digest, Image>();
  /** By the path of the file. */
  readonly #measured = new Map<string, Digests>();

  /** Digests of all that are there. */
  get digests(): Iterable<Digest> {
    return this.#blobs.keys();
  }

  find(digest: Digest): Blob | undefined {
    return this.#blobs.get(digest);
  }

  contents(): Contents {
    const images = [...this.#images.values()];
    const targets = images.map(({ manifest, references }) => ({ descriptor: manifest.descriptor, references, tags: [] }));
    return { images, targets, notes: [] };
  }

  /** Adds an image, or names to one that is there. */
  add(config: ImageConfig, fileLayers: readonly FileLayer[], references: readonly string[]): void {
    const expansion = new Expansion(this.#expansion);
    const layers = fileLayers.map((layer) => this.#layer(layer, expansion));
    const { raw, digest, platform } = config;
    this.#blobs.set(digest, memoryBlob(raw, digest));
    const manifest = makeManifest({
      config: { mediaType: MEDIA_TYPES.config, digest, size: raw.length },
      layers: layers.map(({ descriptor }) => descriptor),
    });
    const { digest: id } = manifest.descriptor;
    this.#blobs.set(id, memoryBlob(manifest.raw, id));
    const names = joinNames(this.#images.get(id), { references, tags: [] });
    this.#images.set(id, { ...names, platform, manifest, config, layers });
  }

  /** What a layer is. @param said the digests that are known of it; for others it is read */
  async describe(file: StoredFile, said: { digest?: Digest | undefined; diffId?: Digest }): Promise<FileLayer> {
    const head = await collect(file.open(MAGIC_BYTES), MAGIC_BYTES, () => new RangeError("more than was asked for"));
    const compression = compressionOf(head, quoted(file.path));
    const { diffId, digest = compression === "none" ? diffId : undefined } = said;
    if (digest !== undefined && diffId !== undefined) return { file, compression, digest, diffId };
    const measured = await this.#measure(file, compression);
    return { file, compression, digest: digest ?? measured.digest, diffId: diffId ?? measured.diffId };
  }

  async #measure(file: StoredFile, compression: Compression): Promise<Digests> {
    const known = this.#measured.get(file.path);
    if (known !== undefined) return known;
    const [stored, content] = [new Hasher("sha256"), new Hasher("sha256")];
    const reading = { name: displayName(Buffer.from(file.path)), expansion: this.#expansion, use: file.path };
    for await (const chunk of decompress(observed(file.open(), stored), compression, reading)) content.update(chunk);
    const digests = { digest: stored.finish(), diffId: content.finish() };
    this.#measured.set(file.path, digests);
    return digests;
  }

  #layer({ file, compression, digest, diffId }: FileLayer, expansion: Expansion): StoredLayer {
    const blob = fileBlob(file, digest);
    this.#blobs.set(digest, blob);
    const descriptor: Descriptor = { mediaType: layerMediaType(compression), digest, size: file.size };
    return new StoredLayer({ descriptor, diffId, blob, expansion });
  }
}
