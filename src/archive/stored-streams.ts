/**
 * ZFS streams as they are stored, loaded into datasets. What is compressed as a whole cannot be read here and there: directories and attributes
 * of it are kept in memory as the streams pass, and if data is wanted, the streams pass once more to find where it is, and again when it is read.
 */
import { readAll, isSeekable, type ByteSource, type ByteStream, type SeekableSource } from "../stream/bytes.ts";
import { decompressed, type Compression } from "../stream/compression.ts";
import { ForwardSource } from "../stream/forward-source.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { loadDatasets, type LoadedDataset, type StreamInput } from "../zfs/zpl/dataset.ts";

/** A stream in a file, or one that passes. */
export interface StoredStream {
  /** What messages call it. */
  what: string;
  source: ByteSource;
  compression: Compression;
}

/** A dataset of which names and data may have to be read in two ways. */
export interface StoredDataset {
  /** Lists names and attributes. */
  names: LoadedDataset;
  /** Reads data. */
  data: LoadedDataset;
}

/** Datasets, with what has to be closed behind them. */
export interface StoredDatasets {
  datasets: readonly StoredDataset[];
  /** Whether data is best read in the order of objects. */
  inObjectOrder: boolean;
  close(): Promise<void>;
}

/** Loads streams in order, a full one before what is incremental. @throws ToolError damaged, failed */
export async function loadStored(streams: readonly StoredStream[], wantsContents: boolean): Promise<StoredDatasets> {
  const passing = streams.filter(({ compression }) => compression !== "none").map((stream) => new PassingStream(stream));
  const inputOf = (stream: StoredStream, source: ByteSource): StreamInput => ({ what: stream.what, source });
  const sourceOf = (stream: StoredStream): PassingStream | undefined => passing.find((one) => one.stream === stream);
  const names = await loadDatasets(streams.map((stream) => inputOf(stream, sourceOf(stream) ?? rewound(stream.source))));
  await Promise.all(passing.map(async (one) => await one.close()));
  if (passing.length === 0 || !wantsContents)
    return { datasets: names.map((one) => ({ names: one, data: one })), inObjectOrder: false, close };
  const forward = new Map(passing.map((one) => [one.stream, new ForwardSource(() => one.open(), one.offset)]));
  const data = await loadDatasets(streams.map((stream) => inputOf(stream, forward.get(stream) ?? rewound(stream.source))));
  return {
    datasets: names.map((one, index) => ({ names: one, data: data[index] as LoadedDataset })),
    inObjectOrder: true,
    close: async () => void (await Promise.all([...forward.values()].map(async (one) => await one.close()))),
  };
}

/** A compressed stream, decompressed as it passes. */
class PassingStream implements ByteSource {
  readonly stream: StoredStream;
  readonly size: undefined;
  #source: StreamSource | undefined;

  constructor(stream: StoredStream) {
    this.stream = stream;
  }

  get offset(): number {
    return this.#source?.offset ?? 0;
  }

  async read(maxBytes: number): Promise<Uint8Array | undefined> {
    return await this.#opened().read(maxBytes);
  }

  async skip(count: number): Promise<number> {
    return await this.#opened().skip(count);
  }

  /** All of it, from the beginning. */
  open(): ByteStream {
    const { source, compression, what } = this.stream;
    return decompressed(readAll(rewound(source)), compression, what);
  }

  async close(): Promise<void> {
    await this.#source?.close();
  }

  #opened(): StreamSource {
    this.#source ??= new StreamSource(this.open());
    return this.#source;
  }
}

/** A file from its beginning; a pipe from where it is. */
function rewound(source: ByteSource | SeekableSource): ByteSource {
  if (isSeekable(source)) source.seek(0);
  return source;
}

async function close(): Promise<void> {
  await Promise.resolve();
}
