/** Gzip members that tell their length (gzip-member.ts), decompressed side by side. */
import { availableParallelism } from "node:os";
import { releaseBuffers } from "../sys/memory.ts";
import { readAll, readUpTo, type ByteStream } from "./bytes.ts";
import { HEADER_BYTES, memberLength } from "./gzip-member.ts";
import { inflateMember } from "./inflate-member.ts";
import type { PeekSource } from "./peek-source.ts";

const MEMBERS_PER_RELEASE = 80;

/** Reads members ahead of their turn, at most two more than there are processors; one that is ready does not wait for those behind it. */
export class MembersAhead {
  readonly #input: PeekSource;
  readonly #queue: { member: Uint8Array; content: Promise<Uint8Array | undefined> }[] = [];
  #reading: Promise<void> | undefined;
  #more = true;
  #count = 0;

  constructor(input: PeekSource) {
    this.#input = input;
  }

  /** The content of the next member; undefined where one comes that is not as it should be, or the end. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.#more && this.#queue.length < availableParallelism() + 2) this.#reading ??= this.#readMember();
      const first = this.#queue[0];
      if (first === undefined && this.#reading === undefined) return undefined;
      const content = await Promise.race([first?.content.then((bytes) => ({ bytes })), this.#reading].filter((wait) => wait !== undefined));
      if (content === undefined) continue;
      if (content.bytes !== undefined) this.#queue.shift();
      this.#count += 1;
      if (this.#count % MEMBERS_PER_RELEASE === 0) releaseBuffers();
      return content.bytes;
    }
  }

  /** What is left, that member included. */
  async *rest(): ByteStream {
    await this.#reading;
    for (const { member } of this.#queue) yield member;
    yield* readAll(this.#input);
  }

  #readMember(): Promise<void> {
    const reading = this.#read().finally(() => (this.#reading = undefined));
    reading.catch(() => undefined); // whoever waits for it is told
    return reading;
  }

  async #read(): Promise<void> {
    const length = memberLength(await this.#input.peek(HEADER_BYTES));
    this.#more = length !== undefined;
    if (length === undefined) return;
    const member = await readUpTo(this.#input, length);
    const content = member.length === length ? inflateMember(member) : Promise.resolve(undefined);
    this.#queue.push({ member, content });
  }
}
