/** What verbs share that write archives: options of gzip and of pieces, and a file that has its name only when it is complete. */
import { availableParallelism } from "node:os";
import { MEMBER_LIMIT_BYTES } from "../../archive/layout.ts";
import { ToolError } from "../../errors.ts";
import type { ByteSink } from "../../stream/bytes.ts";
import { GZIP_LEVELS, type GzipOptions } from "../../stream/gzip.ts";
import { createFile } from "../../sys/new-file.ts";
import type { StringArg } from "../define.ts";
import { parseSize } from "../world.ts";

/** Pieces of a stream on a pipe; larger ones cost memory and gain nothing (see ARCHITECTURE.md). */
export const DEFAULT_CHUNK_SIZE = "4M";
export const DEFAULT_LEVEL: string = String(GZIP_LEVELS.default);

const THREADS_LIMIT = 256;

/** The options. */
export const WRITE_ARGS: {
  readonly chunkSize: StringArg & { default: string };
  readonly level: StringArg & { default: string };
  readonly threads: StringArg;
} = {
  chunkSize: {
    type: "string",
    valueHint: "SIZE",
    default: DEFAULT_CHUNK_SIZE,
    description: "Pieces of a stream on a pipe, held in memory",
  },
  level: {
    type: "string",
    valueHint: "1-12",
    default: DEFAULT_LEVEL,
    description: "Gzip's effort; 1 to 9 as gzip has them",
  },
  threads: { type: "string", valueHint: "N", description: "Cores that gzip may keep busy; all of them if left out" },
};

/** Values of those. */
export interface WriteArguments {
  chunkSize: string;
  level: string;
  threads?: string | undefined;
}

/** Reads the values. @throws ToolError usage */
export function parseWriteArguments({ chunkSize, level, threads }: WriteArguments): { chunkBytes: number; gzip: GzipOptions } {
  const chunkBytes = parseSize(chunkSize, "--chunk-size");
  if (chunkBytes > MEMBER_LIMIT_BYTES) throw new ToolError("usage", `Cannot use --chunk-size "${chunkSize}": it is at most 8 GiB - 1`);
  return { chunkBytes, gzip: { level: parseLevel(level), threads: parseThreads(threads) } };
}

/** Writes a file under its temporary name, and gives it its own when it is complete. @param options as of {@link createFile} */
export async function writeNewFile<T>(
  target: string,
  options: Parameters<typeof createFile>[1],
  write: (sink: ByteSink) => Promise<T>,
): Promise<T> {
  await using file = createFile(target, options);
  const result = await write(file.output);
  await file.publish();
  return result;
}

function parseLevel(text: string): number {
  const level = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  if (level >= GZIP_LEVELS.min && level <= GZIP_LEVELS.max) return level;
  throw new ToolError("usage", `Cannot use --level "${text}": it is 1 to 12`);
}

function parseThreads(text: string | undefined): number {
  const threads = text === undefined ? availableParallelism() : Number(/^\d{1,3}$/.test(text) ? text : 0);
  if (threads >= 1 && threads <= THREADS_LIMIT) return threads;
  throw new ToolError("usage", `Cannot use --threads "${text}": it is 1 to ${THREADS_LIMIT}`);
}
