/** Conversions in memory. */
import { convertArchive, type Converted, type ConvertOptions } from "../../src/archive/convert/convert.ts";
import { ToolError } from "../../src/errors.ts";
import { concat } from "../../src/stream/bytes.ts";
import type { Loss } from "../../src/tree/loss.ts";
import { MemorySink } from "./archive.ts";
import { pipeOf, VirtualFile } from "./virtual-file.ts";

/** What differs from a conversion of a file into a file, all as it was. */
export interface ConvertSketch extends Partial<Omit<ConvertOptions, "onLoss" | "keep">> {
  from?: "file" | "pipe";
  to?: "file" | "pipe";
}

/** What came out. */
export interface ConvertOutcome extends Converted {
  bytes: Buffer;
  losses: Loss[];
}

/** Converts an archive. */
export async function convert(archive: Uint8Array, sketch: ConvertSketch = {}): Promise<ConvertOutcome> {
  const { from = "file", to = "file", ...options } = sketch;
  const input = VirtualFile.of(archive);
  const sink = new MemorySink(to);
  const losses: Loss[] = [];
  const converted = await convertArchive(from === "file" ? input : pipeOf(input), "a.tar", sink, {
    tool: "ctar test",
    format: undefined,
    compression: "keep",
    gzip: { level: 6, threads: 1 },
    chunkBytes: 5000,
    verify: true,
    keep: async (bytes) => VirtualFile.of(concat(await Array.fromAsync(bytes))),
    writeImage: async () => await Promise.reject(new TypeError("no image is asked for")),
    onLoss: (loss) => losses.push(loss),
    ...options,
  });
  return { ...converted, bytes: sink.bytes(), losses };
}

/** Converts, and tells what is refused as `code: message`. */
export async function refusalOf(archive: Uint8Array, sketch: ConvertSketch = {}): Promise<string> {
  try {
    await convert(archive, sketch);
    return "converted";
  } catch (error) {
    if (error instanceof ToolError) return `${error.code}: ${error.message}`;
    throw error;
  }
}
