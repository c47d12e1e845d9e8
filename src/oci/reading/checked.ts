/**
 * Content checked against its digest as it passes. The last chunk is held back until the digest is known to be right, so that what ends is
 * whole and what is not has no end.
 */
import { damaged } from "../../errors.ts";
import type { ByteStream } from "../../stream/bytes.ts";
import { openDigest } from "../../stream/threads/digest.ts";
import { Hasher, splitDigest, type Digest, type DigestAlgorithm } from "../digest.ts";

/** What content must be. */
export interface Expected {
  readonly digest: Digest;
  /** In bytes, where it is known beforehand. */
  readonly size?: number;
  /** What messages call the content, quoted, such as `layer "sha256:…"`. */
  readonly what: string;
  /** What messages call the digest. */
  readonly label?: string;
}

/** Passes content through. @throws ToolError damaged if size or digest differ */
export async function* checked(content: ByteStream, { digest, size, what, label = "digest" }: Expected): ByteStream {
  using taker = openTaker(splitDigest(digest).algorithm);
  let held: Uint8Array | undefined;
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (size !== undefined && bytes > size) break;
    await taker.update(chunk);
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (size !== undefined && bytes !== size) {
    const amount = bytes > size ? `more than ${size}` : `${bytes} instead of ${size}`;
    throw damaged(`Cannot read ${what}: it has ${amount} bytes`, { facts: { expected: size, actual: bytes } });
  }
  const actual = await taker.finish();
  if (actual !== digest) {
    throw damaged(`Cannot read ${what}: its ${label} is "${actual}" instead of "${digest}"`, { facts: { expected: digest, actual } });
  }
  if (held !== undefined) yield held;
}

/** Takes a digest; SHA-256 on another thread. */
interface Taker extends Disposable {
  update(chunk: Uint8Array): void | Promise<void>;
  finish(): Promise<Digest>;
}

function openTaker(algorithm: DigestAlgorithm): Taker {
  if (algorithm === "sha256") return new ThreadTaker();
  const hasher = new Hasher(algorithm);
  return {
    update: (chunk) => hasher.update(chunk),
    finish: async () => await Promise.resolve(hasher.finish()),
    [Symbol.dispose]: () => undefined,
  };
}

class ThreadTaker implements Taker {
  readonly #digest = openDigest("thread");

  async update(chunk: Uint8Array): Promise<void> {
    await this.#digest.update(chunk);
  }

  async finish(): Promise<Digest> {
    return `sha256:${(await this.#digest.finish()).sha256}` as Digest;
  }

  [Symbol.dispose](): void {
    this.#digest[Symbol.dispose]();
  }
}
