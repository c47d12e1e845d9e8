/** Archives in memory: sinks and a target that keep what they are given, sources that hand out what they are told. */
import * as fs from "node:fs";
import type { ContainerHead, ContainerSource, ContainerTarget, SourceStream } from "../../src/archive/source.ts";
import type { StreamPlace } from "../../src/archive/layout.ts";
import { ArchiveReader } from "../../src/archive/read.ts";
import { concat, type ByteSink, type ByteStream } from "../../src/stream/bytes.ts";
import { StreamSource } from "../../src/stream/stream-source.ts";
import { streamOf } from "./tar.ts";

/** A file of test/fixtures/examples. */
export function example(file: string): Buffer {
  return fs.readFileSync(new URL(`../fixtures/examples/${file}`, import.meta.url));
}

/** An output in memory: a file, whose bytes can be replaced, or a pipe. */
export class MemorySink implements ByteSink {
  readonly patchable: boolean;
  readonly #chunks: Uint8Array[] = [];
  readonly #patches: { at: number; bytes: Uint8Array }[] = [];
  #offset = 0;

  constructor(kind: "file" | "pipe") {
    this.patchable = kind === "file";
  }

  get offset(): number {
    return this.#offset;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      this.#chunks.push(chunk.slice());
      this.#offset += chunk.length;
    }
    await Promise.resolve();
  }

  async flush(): Promise<void> {
    await Promise.resolve();
  }

  async patch(at: number, bytes: Uint8Array): Promise<void> {
    if (!this.patchable) throw new TypeError("a pipe cannot be patched");
    this.#patches.push({ at, bytes });
    await Promise.resolve();
  }

  bytes(): Buffer {
    const all = Buffer.concat(this.#chunks);
    for (const { at, bytes } of this.#patches) all.set(bytes, at);
    return all;
  }
}

/** Reads an archive from memory. */
export function readerOf(archive: Uint8Array, chunkBytes?: readonly number[]): ArchiveReader {
  return new ArchiveReader(new StreamSource(streamOf(archive, chunkBytes)));
}

/** The head of example 02, a container with nothing but a root dataset. */
export function sketchHead(changes: Partial<ContainerHead["metadata"]> = {}, hooks: Record<string, string> = {}): ContainerHead {
  const directory = "02-full-zfs-minimal-stopped/config";
  return {
    metadata: {
      type: "full",
      format: "zfs",
      user: "mail01",
      group: "/default",
      container: "mail01",
      datasets: [],
      exportedAt: 1729850600,
      ...changes,
    },
    userConfig: example(`${directory}/user.yml`),
    groupConfig: example(`${directory}/group.yml`),
    containerConfig: example(`${directory}/container.yml`),
    hooks: Object.entries(hooks).map(([name, text]) => ({ name, mode: 0o100755, content: Buffer.from(text) })),
  };
}

/** A stream to export: its bytes, or a function that yields them. */
export interface SketchStream extends StreamPlace {
  bytes: Uint8Array | (() => ByteStream);
  gzip?: boolean;
}

/** A container to export. */
export function sketchSource(head: ContainerHead, streams: readonly SketchStream[], snapshots: readonly string[] = []): ContainerSource {
  return {
    head,
    properties: [{ dataset: "", properties: { quota: "1073741824" } }],
    async *streams(): AsyncGenerator<SourceStream> {
      for (const { bytes, gzip = false, ...place } of streams) {
        yield { ...place, gzip, open: () => (typeof bytes === "function" ? bytes() : streamOf(bytes)), facts: () => undefined };
      }
      await Promise.resolve();
    },
    snapshots: () => snapshots,
  };
}

/** A target that notes its calls and keeps the streams. */
export class MemoryTarget implements ContainerTarget {
  readonly calls: string[] = [];
  readonly received: Map<string, Buffer> = new Map();
  head: ContainerHead | undefined;
  readonly #failAt: string | undefined;

  /** @param failAt the call that throws */
  constructor(failAt?: string) {
    this.#failAt = failAt;
  }

  async begin(head: ContainerHead): Promise<void> {
    this.head = head;
    await this.#call("begin");
  }

  async receive({ dataset, kind }: StreamPlace, bytes: ByteStream): Promise<void> {
    await this.#call(`receive ${dataset}/${kind}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    this.received.set(`${dataset}/${kind}`, Buffer.from(concat(chunks)));
  }

  async finish(snapshots: readonly string[]): Promise<void> {
    await this.#call(`finish ${snapshots.join(" ")}`.trim());
  }

  async undo(): Promise<void> {
    this.calls.push("undo");
    await Promise.resolve();
  }

  async #call(call: string): Promise<void> {
    this.calls.push(call);
    if (call === this.#failAt) throw new Error(`told to fail at ${call}`);
    await Promise.resolve();
  }
}
