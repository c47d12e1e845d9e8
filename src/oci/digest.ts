/**
 * Digests: what content is called by. `sha256:` and 64 hex digits, or `sha512:` and 128; lower case only, so that one content has one name and
 * a digest can be a part of a path.
 *
 * @see OCI image-spec v1.1 descriptor.md, "Digests"
 */
import { createHash } from "node:crypto";
import { damaged } from "../errors.ts";
import type { ByteObserver } from "../stream/digest.ts";
import { quoted } from "./quoted.ts";

declare const digestBrand: unique symbol;
/** A digest that {@link parseDigest} accepted. */
export type Digest = string & { readonly [digestBrand]: true };

/** The algorithms there are. */
export type DigestAlgorithm = "sha256" | "sha512";

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Accepts a digest. @param where what it stands in, for the message @throws ToolError damaged */
export function parseDigest(text: string, where: string): Digest {
  if (isDigest(text)) return text;
  throw damaged(`Cannot read ${where}: ${quoted(text)} is no digest`, { facts: { digest: text } });
}

/** Whether a text is a digest of an algorithm that can be checked. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/** The two parts of a digest. */
export function splitDigest(digest: Digest): { algorithm: DigestAlgorithm; hex: string } {
  const colon = digest.indexOf(":");
  return { algorithm: digest.slice(0, colon) as DigestAlgorithm, hex: digest.slice(colon + 1) };
}

/** The digest of bytes in memory. */
export function digestBytes(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  const hasher = new Hasher(algorithm);
  hasher.update(bytes);
  return hasher.finish();
}

/** Takes the digest and the size of bytes that are handed to it. */
export class Hasher implements ByteObserver {
  readonly #algorithm: DigestAlgorithm;
  readonly #hash: ReturnType<typeof createHash>;
  #bytes = 0;

  constructor(algorithm: DigestAlgorithm) {
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** Bytes seen so far. */
  get bytes(): number {
    return this.#bytes;
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
  }

  /** The digest of everything seen; call it once, at the end. */
  finish(): Digest {
    return `${this.#algorithm}:${this.#hash.digest("hex")}` as Digest;
  }
}
