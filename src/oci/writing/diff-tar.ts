/** The changes from one tree to another as the tar of a layer. */
import type { ByteStream } from "../../stream/bytes.ts";
import type { TarEntry } from "../../stream/tar/read.ts";
import { END_BLOCKS_BYTES } from "../../stream/tar/write.ts";
import { writeEntries } from "../../stream/tar/write-entries.ts";
import { layerDiff, type LayerDiff } from "../layers/diff.ts";
import type { EntryStream } from "../layers/entry-stream.ts";

/** The tar, which is made as it is read; undefined if nothing has changed. @throws ToolError whatever reading the trees throws */
export async function diffTar(diff: LayerDiff): Promise<ByteStream | undefined> {
  const entries = layerDiff(diff);
  const first = await entries.next();
  return first === undefined ? undefined : tarOf(first, entries);
}

async function* tarOf(first: TarEntry, rest: EntryStream): ByteStream {
  let isFirst = true;
  const next = (): TarEntry | Promise<TarEntry | undefined> => {
    if (!isFirst) return rest.next();
    isFirst = false;
    return first;
  };
  try {
    yield* writeEntries({ next });
    yield new Uint8Array(END_BLOCKS_BYTES);
  } finally {
    await rest.close();
  }
}
