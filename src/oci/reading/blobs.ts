/** Blobs: content found by its digest, and checked against it whenever it is read. */
import { damaged } from "../../errors.ts";
import { collect, type ByteStream } from "../../stream/bytes.ts";
import type { Descriptor } from "../descriptor.ts";
import { isDigest, splitDigest, type Digest } from "../digest.ts";
import type { Blob, BlobSource } from "../image.ts";
import { JSON_LIMIT_BYTES } from "../json.ts";
import { checked } from "./checked.ts";
import type { StoredFile, StoredFiles } from "./files.ts";

/** What their paths begin with. */
const BLOB_DIRECTORY = /^blobs\//;

/** A blob that is a file. */
export function fileBlob(file: StoredFile, digest: Digest): Blob {
  const { size } = file;
  return { digest, size, open: () => checked(file.open(), { digest, size, what: `blob "${digest}"` }) };
}

/** A blob that was made here. */
export function memoryBlob(bytes: Uint8Array, digest: Digest): Blob {
  return { digest, size: bytes.length, open: () => only(bytes) };
}

/** The blobs of an OCI layout. */
export class LayoutBlobs implements BlobSource {
  readonly #files: StoredFiles;

  constructor(files: StoredFiles) {
    this.#files = files;
  }

  /** Digests of all that are there. */
  get digests(): Iterable<Digest> {
    return Array.from(this.#files.paths, (path) => path.replace(BLOB_DIRECTORY, "").replace("/", ":")).filter(isDigest);
  }

  find(digest: Digest): Blob | undefined {
    const { algorithm, hex } = splitDigest(digest);
    const file = this.#files.find(`blobs/${algorithm}/${hex}`);
    return file === undefined ? undefined : fileBlob(file, digest);
  }
}

/** The blob that a descriptor stands for. @param what what messages call it @throws ToolError damaged if it is missing or of another size */
export function requireBlob(blobs: BlobSource, { digest, size }: Descriptor, what: string): Blob {
  const blob = blobs.find(digest);
  if (blob === undefined) throw damaged(`Cannot read images: ${what} "${digest}" is missing`, { facts: { digest } });
  if (blob.size === size) return blob;
  throw damaged(`Cannot read ${what} "${digest}": it has ${blob.size} bytes instead of ${size}`, {
    facts: { expected: size, actual: blob.size },
  });
}

/** The bytes of a JSON text. @throws ToolError damaged, as {@link requireBlob} does; also if it is too large to be one */
export async function readJsonBlob(blobs: BlobSource, descriptor: Descriptor, what: string): Promise<Uint8Array> {
  const blob = requireBlob(blobs, descriptor, what);
  const tooLong = (): Error => damaged(`Cannot read ${what} "${blob.digest}": it has ${blob.size} bytes, more than ${JSON_LIMIT_BYTES}`);
  if (blob.size > JSON_LIMIT_BYTES) throw tooLong();
  return await collect(blob.open(), JSON_LIMIT_BYTES, tooLong);
}

async function* only(bytes: Uint8Array): ByteStream {
  if (bytes.length > 0) yield await Promise.resolve(bytes);
}
