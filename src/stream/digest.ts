/** Counting and hashing bytes as they pass. */
import { createHash } from "node:crypto";
import type { ByteStream } from "./bytes.ts";

/** Size and SHA-256 of bytes, as the manifest records them. */
export interface Digest {
  /** Size in bytes. */
  bytes: number;
  /** SHA-256, 64 lower-case hex digits. */
  sha256: string;
}

/** Takes a digest of bytes that are handed to it. */
export class Digester {
  readonly #hash = createHash("sha256");
  #bytes = 0;

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
  }

  /** The digest of everything seen; call it once, at the end. */
  finish(): Digest {
    return { bytes: this.#bytes, sha256: this.#hash.digest("hex") };
  }
}

/** Passes a stream through while `digester` looks on. */
export async function* digested(source: ByteStream, digester: Digester): ByteStream {
  for await (const chunk of source) {
    digester.update(chunk);
    yield chunk;
  }
}

/** The digest of bytes in memory. */
export function digestOf(bytes: Uint8Array): Digest {
  const digester = new Digester();
  digester.update(bytes);
  return digester.finish();
}
