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

/** Size of bytes, and their SHA-256 unless nobody looked at them. */
export type Measure = Pick<Digest, "bytes"> & Partial<Digest>;

/** What takes note of bytes that are handed to it; a promise asks the giver to wait. */
export interface ByteObserver {
  update(chunk: Uint8Array): void | Promise<void>;
}

/** Takes a digest of bytes that are handed to it. */
export class Digester implements ByteObserver {
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

/** What can stand in for a {@link Digester} (see threads/digest.ts), to be disposed of in the end. */
export interface DigestTaker extends ByteObserver, Disposable {
  finish(): Promise<Measure>;
}

/** Passes a stream through while somebody looks on. */
export async function* observed(source: ByteStream, ...observers: readonly ByteObserver[]): ByteStream {
  for await (const chunk of source) {
    for (const observer of observers) {
      const busy = observer.update(chunk);
      if (busy !== undefined) await busy;
    }
    yield chunk;
  }
}

/** The digest of bytes in memory. */
export function digestOf(bytes: Uint8Array): Digest {
  const digester = new Digester();
  digester.update(bytes);
  return digester.finish();
}
