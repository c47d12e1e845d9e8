/** Opening what images are imported from: read where it stands if that can be, else taken into a lease as it passes. */
import { isSeekable, readAll, type ByteSource } from "../../stream/bytes.ts";
import { compressionOf, MAGIC_BYTES } from "../../stream/compression.ts";
import { PeekSource } from "../../stream/peek-source.ts";
import { StreamSource } from "../../stream/stream-source.ts";
import type { ImageArchive } from "../image.ts";
import { decompressAny } from "../reading/decompress.ts";
import { openImages, type ImageDirectory } from "../reading/open-images.ts";
import { ArrivingTar } from "./arriving-tar.ts";
import { asContainerd } from "./as-containerd.ts";
import type { Lease } from "./lease.ts";

/** What is opened. */
export interface ImportSource {
  readonly input: ByteSource | ImageDirectory;
  /** What messages call it. */
  readonly what: string;
}

/** Does something with the images of an archive or a directory. @throws ToolError damaged */
export async function withIncomingImages<T>(
  { input, what }: ImportSource,
  { lease, signal }: { lease: Lease; signal: AbortSignal | undefined },
  action: (archive: ImageArchive) => Promise<T>,
): Promise<T> {
  const { source, close } = "directory" in input ? { source: input } : await seekable(input, what, lease);
  try {
    const archive = await openImages(source, what, signal === undefined ? {} : { signal });
    try {
      return await action(asContainerd(archive));
    } finally {
      await archive.close();
    }
  } finally {
    await close?.();
  }
}

/** The tar as something to seek in. */
async function seekable(input: ByteSource, what: string, lease: Lease): Promise<{ source: ByteSource; close?: () => Promise<void> }> {
  const start = new PeekSource(input);
  const compression = compressionOf(await start.peek(MAGIC_BYTES), `"${what}"`);
  if (compression === "none" && isSeekable(input)) {
    input.seek(0);
    return { source: input };
  }
  if (compression === "none") return { source: new ArrivingTar(start, lease) };
  const content = new StreamSource(decompressAny(readAll(start), what));
  return { source: new ArrivingTar(content, lease), close: async () => await content.close() };
}
