/**
 * Extracting a tar stream into an empty directory: everything restored as far as the running user may, what could not be is reported.
 */
import { ToolError } from "../errors.ts";
import type { ByteSource, ByteStream } from "../stream/bytes.ts";
import { StreamSource } from "../stream/stream-source.ts";
import { TarReader } from "../stream/tar/read.ts";
import { LibcError, loadLibc } from "../sys/libc.ts";
import { Extraction, type ExtractOptions, type ExtractSummary } from "./extraction.ts";

export type { ExtractOptions, ExtractSummary } from "./extraction.ts";

const DRAIN_BYTES = 1024 * 1024;

/**
 * Extracts a tree. The input is read to its end, so that a check which a step before makes there has been made.
 *
 * @param root an existing empty directory
 * @throws ToolError damaged (cut off, no tar, a name that leaves the tree), failed (disk full, no permission to write)
 */
export async function extractTree(tar: ByteStream | ByteSource, root: string, options: ExtractOptions): Promise<ExtractSummary> {
  const libc = await loadLibc();
  const source = Symbol.asyncIterator in tar ? new StreamSource(tar) : tar;
  try {
    const extraction = new Extraction(libc, root, options);
    try {
      const summary = await extraction.run(new TarReader(source));
      while ((await source.read(DRAIN_BYTES)) !== undefined);
      return summary;
    } finally {
      extraction.close();
    }
  } catch (error) {
    if (!(error instanceof LibcError)) throw error;
    throw new ToolError("failed", `Cannot extract to "${root}": ${error.message}`, { facts: { path: root, call: error.call } });
  } finally {
    if (source instanceof StreamSource) await source.close();
  }
}
