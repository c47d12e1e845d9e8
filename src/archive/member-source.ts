/**
 * The streams of an archive file as something to seek in: headers are read one after the other, and what is kept is where the pieces of each
 * stream lie. Texts that tell what the streams are come with them.
 */
import { damaged } from "../errors.ts";
import { concat, readUpTo, type SeekableSource } from "../stream/bytes.ts";
import { BLOCK_BYTES, paddingOf } from "../stream/tar/header.ts";
import { TarReader, type TarEntry } from "../stream/tar/read.ts";
import { MEMBER_LIMIT_BYTES, memberKind, type MemberKind } from "./layout.ts";
import { isContent, isJoined, ListAllowance, pieceBytes, readText } from "./member.ts";

/** What an archive file holds, as far as files in it are concerned. */
export interface ArchiveStreams {
  /** `metadata.yml` and `config/container.yml`, by their kind. */
  texts: ReadonlyMap<MemberKind["is"], Uint8Array>;
  /** In the order of their first pieces. */
  streams: readonly MemberSource[];
}

/** Finds the streams. @throws ToolError damaged, also for an archive that is cut off */
export async function findStreams(source: SeekableSource): Promise<ArchiveStreams> {
  source.seek(0);
  const tar = new TarReader(source);
  const allowance = new ListAllowance();
  const texts = new Map<MemberKind["is"], Uint8Array>();
  const streams = new Map<string, MemberSource>();
  for (let entry = await tar.next(); entry !== undefined; entry = await tar.next()) {
    const name = Buffer.from(entry.name).toString("utf8");
    const kind = memberKind(name);
    if (!isContent(entry, kind)) continue;
    if ((kind.is === "metadata" || kind.is === "container") && !texts.has(kind.is)) texts.set(kind.is, await textOf(entry, name));
    if (!isJoined(kind)) continue;
    let stream = streams.get(name);
    if (stream === undefined) {
      allowance.addMember(name);
      streams.set(name, (stream = new MemberSource(source, name, kind)));
    }
    if (stream.add({ start: entry.dataOffset, bytes: await lengthOf(source, entry, kind) })) allowance.add(RUN_BYTES);
  }
  return { texts, streams: [...streams.values()] };
}

/** Data of one size, piece behind piece with nothing but a header between: a stream that was cut on a pipe is one run. */
interface Run {
  /** Where its first piece stands in the archive, and in the stream. */
  start: number;
  streamOffset: number;
  pieceBytes: number;
  count: number;
}

const RUN_BYTES = 64;

/** A stream's pieces, joined. */
export class MemberSource implements SeekableSource {
  readonly name: string;
  readonly kind: MemberKind;
  readonly #source: SeekableSource;
  readonly #runs: Run[] = [];
  #size = 0;
  #position = 0;

  constructor(source: SeekableSource, name: string, kind: MemberKind) {
    this.#source = source;
    this.name = name;
    this.kind = kind;
  }

  get size(): number {
    return this.#size;
  }

  get offset(): number {
    return this.#position;
  }

  /** Adds a piece. @returns whether it takes more memory */
  add({ start, bytes }: { start: number; bytes: number }): boolean {
    const last = this.#runs.at(-1);
    const continues = last?.pieceBytes === bytes && last.start + last.count * strideOf(bytes) === start;
    if (continues) last.count += 1;
    else if (bytes > 0) this.#runs.push({ start, streamOffset: this.#size, pieceBytes: bytes, count: 1 });
    this.#size += bytes;
    return !continues;
  }

  seek(offset: number): void {
    this.#position = offset;
  }

  async read(maxBytes: number): Promise<Uint8Array | undefined> {
    const position = this.#position;
    const run = this.#runAt(position);
    if (run === undefined) return undefined;
    const piece = Math.floor((position - run.streamOffset) / run.pieceBytes);
    const within = position - run.streamOffset - piece * run.pieceBytes;
    this.#source.seek(run.start + piece * strideOf(run.pieceBytes) + within);
    const chunk = await this.#source.read(Math.min(maxBytes, run.pieceBytes - within));
    if (chunk === undefined) throw damaged(`Cannot read "${this.name}": the file became shorter while it was read`);
    this.#position = position + chunk.length;
    return chunk;
  }

  async skip(count: number): Promise<number> {
    const step = Math.max(0, Math.min(count, this.#size - this.#position));
    this.#position += step;
    return await Promise.resolve(step);
  }

  /** The run that has a byte of the stream. */
  #runAt(offset: number): Run | undefined {
    if (offset >= this.#size) return undefined;
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#runs[middle]?.streamOffset ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return this.#runs[low];
  }
}

/** Bytes from one piece's data to the next. */
function strideOf(bytes: number): number {
  return bytes + paddingOf(bytes) + BLOCK_BYTES;
}

async function textOf(entry: TarEntry, name: string): Promise<Uint8Array> {
  return await readText(entry.body(), { name, offset: entry.headerOffset, size: entry.size });
}

/** Bytes of a piece without what may be padding of a size that did not fit its field; seeks in the source behind its header, and back. */
async function lengthOf(source: SeekableSource, { size, slack, dataOffset }: TarEntry, kind: MemberKind): Promise<number> {
  if (slack === 0 || size <= MEMBER_LIMIT_BYTES) return size;
  const { offset } = source;
  source.seek(dataOffset + size - BLOCK_BYTES);
  const last = await readUpTo(source, BLOCK_BYTES);
  source.seek(offset);
  const trimmed = await Array.fromAsync(pieceBytes({ size, slack, body: () => only(last) }, kind));
  return size - last.length + concat(trimmed).length;
}

async function* only(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(chunk);
}
