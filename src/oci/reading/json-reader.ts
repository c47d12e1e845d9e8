/** Reads the JSON texts of one archive, and counts: a small archive can name one large text ten thousand times. */
import { damaged } from "../../errors.ts";
import type { Descriptor } from "../descriptor.ts";
import type { BlobSource } from "../image.ts";
import { readJsonBlob } from "./blobs.ts";
import { readJsonFile, type StoredFile } from "./files.ts";

/** Most of all texts together: thousands of images, whose texts have 10 KiB mostly. */
const LIMIT_BYTES = 32 * 1024 * 1024;

/** Reads texts. @throws ToolError damaged, as what it calls does; also once there is too much */
export class JsonReader {
  #bytes = 0;

  async file(file: StoredFile): Promise<Uint8Array> {
    return this.#counted(await readJsonFile(file));
  }

  async blob(blobs: BlobSource, descriptor: Descriptor, what: string): Promise<Uint8Array> {
    return this.#counted(await readJsonBlob(blobs, descriptor, what));
  }

  #counted(text: Uint8Array): Uint8Array {
    this.#bytes += text.length;
    if (this.#bytes <= LIMIT_BYTES) return text;
    throw damaged(`Cannot read images: their manifests and configurations have more than ${LIMIT_BYTES} bytes together`);
  }
}
