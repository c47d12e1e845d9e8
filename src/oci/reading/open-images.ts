/**
 * Opening images, told apart by what is there, never by a name:
 *
 * - an OCI layout, `oci-layout` and `index.json`, as a directory or as a tar; one of Docker 25 and later, or of containerd, has a `manifest.json`
 *   too, which is read for names only;
 * - a docker-archive, `manifest.json`;
 * - an archive of Docker before 1.10, directories with `json` and `layer.tar`.
 *
 * A tar that is a file is read where it stands: its headers, and of the blobs those that are asked for. From a pipe, or if the tar itself is
 * compressed, all of it goes to a file without a name first, since what tells what a blob is comes behind the blobs.
 */
import { tmpdir } from "node:os";
import { damaged, ToolError } from "../../errors.ts";
import { isSeekable, readAll, type ByteSource, type ByteStream, type SeekableSource } from "../../stream/bytes.ts";
import { compressionOf, MAGIC_BYTES } from "../../stream/compression.ts";
import { PeekSource } from "../../stream/peek-source.ts";
import type { Counter } from "../../sys/input.ts";
import { Spool } from "../../sys/spool.ts";
import type { ImageArchive } from "../image.ts";
import { Assembly } from "./assembly.ts";
import { LayoutBlobs } from "./blobs.ts";
import { decompressAny } from "./decompress.ts";
import { DirectoryFiles } from "./directory-files.ts";
import { addDockerNames } from "./docker-names.ts";
import { Expansion } from "./expansion.ts";
import type { StoredFiles } from "./files.ts";
import { JsonReader } from "./json-reader.ts";
import { DOCKER_MANIFEST, readDocker } from "./read-docker.ts";
import { LAYOUT_MARKER, readLayout } from "./read-layout.ts";
import { isLegacy, readLegacy } from "./read-legacy.ts";
import { indexTar } from "./tar-files.ts";

/** A layout that is a directory; no part of its path is looked at for links. */
export interface ImageDirectory {
  readonly directory: string;
}

/** Options of {@link openImages}. */
export interface OpenImagesOptions {
  readonly signal?: AbortSignal;
  /** Directory for what has to be kept of an archive that is no plain file; that for temporary files ($TMPDIR) if not said. */
  readonly spoolDirectory?: string;
  /** Most of that, in bytes; 64 GiB if not said. */
  readonly spoolLimitBytes?: number;
  /** Called before anything is kept, with the directory. */
  readonly onSpool?: (directory: string) => void;
  /** Called when all has been kept, with its size in bytes. */
  readonly onKept?: (bytes: number) => void;
  /** Counts what is read of a directory, or of what is kept. */
  readonly counter?: Counter;
}

const SPOOL_LIMIT_BYTES = 64 * 1024 ** 3;

/**
 * Opens images.
 *
 * @param input must stay open as long as the archive is used
 * @param what what messages call it
 * @returns to be closed by whoever opened it
 * @throws ToolError damaged for what holds no images, or is not whole as far as it can be told without reading layers; failed
 */
export async function openImages(input: ByteSource | ImageDirectory, what: string, options: OpenImagesOptions = {}): Promise<ImageArchive> {
  if ("directory" in input) return await readArchive(new DirectoryFiles(input.directory, options), what);
  const spool = newSpool(options);
  try {
    const archive = await readArchive(await indexTar(await seekable(input, { what, options, spool })), what);
    return { ...archive, close: async () => await Promise.resolve(spool[Symbol.dispose]()) };
  } catch (error) {
    spool[Symbol.dispose]();
    throw error;
  }
}

async function readArchive(files: StoredFiles, what: string): Promise<ImageArchive> {
  const close = async (): Promise<void> => await Promise.resolve();
  const texts = new JsonReader();
  if (files.find(LAYOUT_MARKER) !== undefined) {
    const blobs = new LayoutBlobs(files);
    const contents = await readLayout(files, { blobs, texts, expansion: new Expansion() });
    return { ...(await addDockerNames(contents, files, texts)), blobs, digests: blobs.digests, close };
  }
  const assembly = new Assembly();
  if (files.find(DOCKER_MANIFEST) !== undefined) await readDocker(files, assembly, texts);
  else if (isLegacy(files)) await readLegacy(files, assembly, texts);
  else throw damaged(`Cannot read images from "${what}": it is neither an OCI layout nor a docker-archive`);
  return { ...assembly.contents(), blobs: assembly, digests: assembly.digests, close };
}

/** The tar as something to seek in: itself, or a copy. */
async function seekable(
  input: ByteSource,
  { what, options, spool }: { what: string; options: OpenImagesOptions; spool: Spool },
): Promise<SeekableSource> {
  const start = new PeekSource(input);
  const compression = compressionOf(await start.peek(MAGIC_BYTES), `"${what}"`);
  if (compression === "none" && isSeekable(input)) return input;
  const content = decompressAny(readAll(start), what);
  const kept = await spool.keep(bounded(content, what, options));
  options.onKept?.(kept.size);
  return kept;
}

function newSpool({ spoolDirectory = tmpdir(), onSpool, signal = new AbortController().signal, counter }: OpenImagesOptions): Spool {
  const directory = (): string => {
    onSpool?.(spoolDirectory);
    return spoolDirectory;
  };
  return new Spool(directory, signal, counter);
}

async function* bounded(content: ByteStream, what: string, options: OpenImagesOptions): ByteStream {
  const { spoolLimitBytes: limit = SPOOL_LIMIT_BYTES } = options;
  let bytes = 0;
  for await (const chunk of content) {
    bytes += chunk.length;
    if (bytes > limit) {
      throw new ToolError("failed", `Cannot keep "${what}": it has more than ${limit} bytes`, {
        hints: ["Save it to a file first, decompressed, which needs no copy"],
        facts: { limit },
      });
    }
    yield chunk;
  }
}
