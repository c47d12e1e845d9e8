/** The tars that a conversion makes. */
import { drain, readAll, type ByteStream } from "../../stream/bytes.ts";
import { StreamSource } from "../../stream/stream-source.ts";
import { TarReader } from "../../stream/tar/read.ts";
import { END_BLOCKS_BYTES } from "../../stream/tar/write.ts";
import { writeEntries, type Entries } from "../../stream/tar/write-entries.ts";
import type { Loss } from "../../tree/loss.ts";
import { ROOTFS_TAR } from "../layout.ts";
import type { CheckedArchive } from "./checked-archive.ts";
import { flat, storable, type FlatNames } from "./entries.ts";

/** Told of what a tar cannot hold. */
type OnLoss = (loss: Loss) => void;

/** How a flat tar is made. */
export interface FlatTarOptions {
  names: FlatNames;
  onLoss: OnLoss;
}

/** Files as a tar, under the names that they have. */
export async function* tarOf(files: Entries, onLoss: OnLoss): ByteStream {
  yield* writeEntries(storable(files, onLoss));
  yield new Uint8Array(END_BLOCKS_BYTES);
}

/** Files as a flat tar. */
export async function* flatTarOf(files: Entries, { names, onLoss }: FlatTarOptions): ByteStream {
  yield* tarOf(flat(files, names, onLoss), onLoss);
}

/** The tar in an archive as a flat one. It has no end blocks before all of the archive has been read and found whole. */
export async function* flatTarIn(archive: CheckedArchive, options: FlatTarOptions): ByteStream {
  for await (const stream of archive.streams()) {
    if (stream.facts.member === ROOTFS_TAR) yield* flattened(stream.unpacked(), options);
    else await drain(stream.unpacked());
  }
  archive.finish();
  yield new Uint8Array(END_BLOCKS_BYTES);
}

/** Reads a tar, and to its end what is behind that. */
async function* flattened(tar: ByteStream, { names, onLoss }: FlatTarOptions): ByteStream {
  const source = new StreamSource(tar);
  try {
    yield* writeEntries(flat(storable(new TarReader(source), onLoss), names, onLoss));
    await drain(readAll(source));
  } finally {
    await source.close();
  }
}
