/** An archive that passes once: its texts, then either the names in its ZFS streams or the tar that it holds. */
import type { ByteSource, ByteStream } from "../stream/bytes.ts";
import { gunzip } from "../stream/gunzip.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { loadDatasets, type LoadedDataset, type StreamInput } from "../zfs/zpl/dataset.ts";
import type { ArchiveMember } from "./member.ts";
import { OnePassOrder } from "./order.ts";
import { ArchiveReader } from "./read.ts";

/** What stands in front of the data, and what that is. */
export interface ArchiveStart {
  is: "streams" | "tar" | "nothing";
  metadata: Uint8Array | undefined;
  container: Uint8Array | undefined;
}

/** Reads an archive once: {@link begin}, then {@link datasets} or {@link tar}. */
export class PipedArchive {
  readonly #members: AsyncGenerator<ArchiveMember>;
  readonly #order = new OnePassOrder();
  /** The data member that has been come to. */
  #member: ArchiveMember | undefined;
  #open: StreamSource | undefined;

  constructor(source: ByteSource) {
    this.#members = new ArchiveReader(source).inArchiveOrder();
  }

  /** Reads up to the data. @throws ToolError damaged, also if the archive is in an order that one pass cannot do with */
  async begin(): Promise<ArchiveStart> {
    const start: ArchiveStart = { is: "nothing", metadata: undefined, container: undefined };
    for (let member = await this.#next(); member !== undefined; member = await this.#next()) {
      if (member.kind.is === "metadata") start.metadata = await member.text();
      if (member.kind.is === "container") start.container = await member.text();
      if (member.kind.is !== "stream" && member.kind.is !== "rootfs-tar") continue;
      this.#member = member;
      return { ...start, is: member.kind.is === "stream" ? "streams" : "tar" };
    }
    return start;
  }

  /** The tar, and behind it the rest of the archive, which must be whole. */
  async *tar(): ByteStream {
    const member = this.#taken();
    yield* gunzip(member.bytes(), member.name);
    while ((await this.#next()) !== undefined);
  }

  /** Loads all streams, and tells the datasets in the order of their full streams. */
  async datasets(): Promise<{ datasets: readonly LoadedDataset[]; names: readonly string[] }> {
    const names: string[] = [];
    const inputs: StreamInput[] = [];
    /** Adds the input for the member that has been come to; the next one is looked for when that has ended. */
    const add = (): void => {
      const member = this.#taken();
      if (member.kind.is !== "stream") return;
      if (member.kind.kind === "base") names.push(member.kind.dataset);
      this.#open = new StreamSource(member.kind.gzipped ? gunzip(member.bytes(), member.name) : member.bytes());
      inputs.push({ what: member.name, source: followedBy(this.#open, async () => ((await this.#nextStream()) ? add() : undefined)) });
    };
    add();
    return { datasets: await loadDatasets(inputs), names };
  }

  async close(): Promise<void> {
    await this.#open?.close();
    await this.#members.return(undefined);
  }

  async #nextStream(): Promise<boolean> {
    for (let member = await this.#next(); member !== undefined; member = await this.#next()) {
      if (member.kind.is !== "stream") continue;
      this.#member = member;
      return true;
    }
    return false;
  }

  async #next(): Promise<ArchiveMember | undefined> {
    for (;;) {
      const { value, done } = await this.#members.next();
      if (done === true) return undefined;
      if (this.#order.wants(value)) return value;
    }
  }

  #taken(): ArchiveMember {
    const member = this.#member;
    if (member === undefined) throw new TypeError("no data has been come to");
    this.#member = undefined;
    return member;
  }
}

/** A source that does something once, before it says that it has ended: whoever reads one source after the other finds the next one there. */
function followedBy(source: ByteSource, atEnd: () => Promise<void>): ByteSource {
  let hasEnded = false;
  return {
    size: undefined,
    get offset() {
      return source.offset;
    },
    skip: async (count) => await source.skip(count),
    read: async (maxBytes) => {
      const chunk = await source.read(maxBytes);
      if (chunk !== undefined || hasEnded) return chunk;
      hasEnded = true;
      await atEnd();
      return undefined;
    },
  };
}
