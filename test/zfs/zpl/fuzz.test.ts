/** Streams that somebody damaged end in a tree or in a ToolError, in bounded time and memory. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ToolError } from "../../../src/errors.ts";
import { loadDatasets } from "../../../src/zfs/zpl/dataset.ts";
import type { FileSystem } from "../../../src/zfs/zpl/file-system.ts";
import { walkTree } from "../../../src/zfs/zpl/walk.ts";
import { fixtureStream } from "../../support/stream-tree.ts";
import { pipeOf, VirtualFile } from "../../support/virtual-file.ts";
import { syntheticStream } from "../../support/synthetic-stream.ts";

const BUDGET_MS = 6000;
const STREAMS = [
  fixtureStream("p.full.s1"),
  fixtureStream("lz4.full-e.s1"),
  fixtureStream("zstd.full-ec.s1"),
  fixtureStream("xdir.full.s1"),
  Buffer.concat([...syntheticStream({ files: 30, filesPerDirectory: 5, littleEndian: false })]),
];
const INCREMENT = fixtureStream("p.incr-I.s1-s3");
/** A claimed size can be any; a hole costs nothing to store and everything to read. */
const READ_LIMIT_BYTES = 4 * 1024 * 1024;

const flips = fc.array(fc.record({ at: fc.nat({ max: 2 ** 31 - 1 }), bit: fc.integer({ min: 0, max: 7 }) }), {
  minLength: 1,
  maxLength: 6,
});

test.each([
  ["a stream", false],
  ["a stream from a pipe", true],
])(
  "bits flipped in %s",
  async (_, piped) => {
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: STREAMS.length - 1 }), flips, fc.nat({ max: 9 }), async (index, changes, cut) => {
        const bytes = Uint8Array.from(STREAMS[index] ?? []);
        // most of a stream is contents of files: half of the flips go where records and metadata are dense
        for (const { at, bit } of changes) {
          const position = at % 2 === 0 ? at % bytes.length : at % Math.min(bytes.length, 60_000);
          bytes[position] = (bytes[position] ?? 0) ^ (1 << bit);
        }
        const whole = cut === 0 ? bytes.subarray(0, (changes[0]?.at ?? 0) % bytes.length) : bytes;
        outcomes.add(await outcome(index === 0 ? [whole, INCREMENT] : [whole], piped));
      }),
      { numRuns: 400, interruptAfterTimeLimit: BUDGET_MS },
    );
    expect([...outcomes].toSorted()).toEqual(["ToolError", "tree"]);
  },
  BUDGET_MS * 3,
);

async function outcome(streams: readonly Uint8Array[], piped: boolean): Promise<"tree" | "ToolError"> {
  try {
    const files = streams.map((bytes) => VirtualFile.of(bytes));
    const inputs = files.map((file) => ({ what: "s", source: piped ? pipeOf(file) : file }));
    for (const dataset of await loadDatasets(inputs)) await readAll(await dataset.fileSystem(), piped);
    return "tree";
  } catch (error) {
    if (error instanceof ToolError) return "ToolError";
    throw error;
  }
}

async function readAll(files: FileSystem, piped: boolean): Promise<void> {
  for await (const { status } of walkTree(files, files.root)) {
    if (status.type === "symlink") await files.readLink(status);
    if (piped) continue;
    for await (const _ of files.xattrs(status.object));
    let left = READ_LIMIT_BYTES;
    for await (const chunk of files.readFile(status)) {
      left -= chunk.length;
      if (left < 0) break;
    }
  }
}
