import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { layerDiff } from "../../../src/oci/layers/diff.ts";
import type { LayerTree, TreeFile } from "../../../src/oci/layers/layer-tree.ts";
import { collect } from "../../../src/stream/bytes.ts";
import { writeEntries } from "../../../src/stream/tar/write-entries.ts";
import type { Loss } from "../../../src/tree/loss.ts";
import type { EntrySketch } from "../../support/tar.ts";
import { bytesLayer, flatFacts, layerOf } from "./flat-facts.ts";
import { memoryTree } from "./memory-tree.ts";
import { acceptable } from "./naive-model.ts";
import { arbitraryLayers } from "./random-layers.ts";

const SECOND_NS = 1_000_000_000n;
const BASE: EntrySketch[] = [
  { name: "d/", typeflag: "5", mode: 0o755 },
  { name: "d/sub/", typeflag: "5", mode: 0o755 },
  { name: "d/sub/f", data: "f" },
  { name: "d/e", data: "e" },
  { name: "a", data: "linked" },
  { name: "b", linkname: "a", typeflag: "1" },
  { name: "s", linkname: "d", typeflag: "2", mode: 0o777 },
];

describe("layerDiff", () => {
  test("makes the layer that makes the newer tree of the older one", async () => {
    const property = fc.asyncProperty(arbitraryLayers(), arbitraryLayers(), fc.boolean(), async (one, other, goesOn) => {
      const older = layersOf(one);
      const newer = goesOn ? layersOf([...one, ...other]) : layersOf(other);
      const layer = await tarOf(await memoryTree(older), await memoryTree(newer));
      expect(await flatFacts([...older, bytesLayer("diff", layer)])).toEqual({ ...(await flatFacts(newer)) });
    });
    await fc.assert(property, { numRuns: 300 });
  });

  test("makes nothing of what has not changed", async () => {
    const property = fc.asyncProperty(arbitraryLayers(), async (layers) => {
      expect(await namesOf(await memoryTree(layersOf(layers)), await memoryTree(layersOf(layers)))).toEqual([]);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  test.each<[string, EntrySketch[], string[]]>([
    ["a new file comes with the directories on its way", [{ name: "d/sub/new" }], ["d/", "d/sub/", "d/sub/new"]],
    ["a file that is gone leaves a mark behind its directory", [{ name: "d/sub/.wh.f" }], ["d/", "d/sub/", "d/sub/.wh.f"]],
    ["of a directory that is gone one mark is left", [{ name: "d/.wh.sub" }], ["d/", "d/.wh.sub"]],
    ["a mark in the root needs no directory", [{ name: ".wh.s" }], [".wh.s"]],
    ["marks come before what else is in the directory", [{ name: "d/a" }, { name: "d/.wh.sub" }], ["d/", "d/.wh.sub", "d/a"]],
    ["a file in place of a directory needs no mark", [{ name: "d", data: "file" }], ["d"]],
    ["a directory in place of a file needs no mark", [{ name: "a/", typeflag: "5" }, { name: "a/x" }], ["a/", "a/x"]],
    ["a changed mode", [{ name: "d/e", data: "e", mode: 0o600 }], ["d/", "d/e"]],
    ["a changed owner of a directory", [{ name: "d/sub/", typeflag: "5", mode: 0o755, uid: 9 }], ["d/", "d/sub/"]],
    ["a changed time of a directory", [{ name: "d/", typeflag: "5", mode: 0o755, mtimeNs: 5n }], ["d/"]],
    ["a changed attribute", [{ name: "d/e", data: "e", xattrs: [[Buffer.from("user.x"), Buffer.from("1")]] }], ["d/", "d/e"]],
    ["changed data of the same size and time, which is a whole second", [{ name: "d/e", data: "E" }], ["d/", "d/e"]],
    ["a changed target", [{ name: "s", linkname: "a", typeflag: "2", mode: 0o777 }], ["s"]],
    ["a changed root", [{ name: "./", typeflag: "5", mode: 0o700 }], ["./"]],
    ["a new name of an old file comes with all its names", [{ name: "c", linkname: "a", typeflag: "1" }], ["a", "b", "c"]],
    ["a name of a file that goes leaves the others alone", [{ name: ".wh.b" }], [".wh.b"]],
    ["a name that becomes a file of its own leaves the last one of the other", [{ name: "b", data: "linked" }], ["a", "b"]],
    [
      "a changed file comes with all its names",
      [
        { name: "a", data: "new" },
        { name: "b", linkname: "a", typeflag: "1" },
      ],
      ["a", "b"],
    ],
  ])("%s", async (_, changes, names) => {
    expect(await namesOf(...(await base({}, ...changes)))).toEqual(names);
  });

  test("of no older tree makes all of the newer one", async () => {
    const newer = await memoryTree([layerOf("base", ...BASE)]);
    expect(await namesOf(undefined, newer)).toEqual(["./", "a", "b", "d/", "d/e", "d/sub/", "d/sub/f", "s"]);
  });

  test("writes marks that are always the same", async () => {
    const [older, newer] = await base({}, { name: ".wh.s" });
    const mark = await layerDiff({ older, newer, onLoss }).next();
    expect(mark).toMatchObject({ typeflag: "0", mode: 0, uid: 0, gid: 0, mtimeNs: 0n, size: 0 });
  });

  test("takes files of one version for the same, and compares data where the version is another", async () => {
    const data = { name: "d/e", data: "E", mtimeNs: 1n };
    const versions = (file: TreeFile): Partial<TreeFile> => ({ mtimeNs: 1n, version: `version of ${file.size}` });
    const same = await base({ older: versions, newer: versions }, data);
    expect(await namesOf(...same)).toEqual([]);
    const other = await base({ older: versions, newer: () => ({ mtimeNs: 1n, version: "another" }) }, data);
    expect(await namesOf(...other)).toEqual(["d/", "d/e"]);
    const none = await base({ older: () => ({ mtimeNs: 1n }), newer: () => ({ mtimeNs: 1n }) }, data);
    expect(await namesOf(...none)).toEqual([]);
  });

  test("reports names that look like marks, and leaves them out with what is below", async () => {
    const renamed = (file: TreeFile): Partial<TreeFile> => ({
      path: Buffer.from(Buffer.from(file.path).toString().replace(/^d/, ".wh.d")),
    });
    const losses: Loss[] = [];
    const [, newer] = await base({ newer: renamed });
    const entries = layerDiff({ older: undefined, newer, onLoss: (loss) => losses.push(loss) });
    const names: string[] = [];
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next())
      names.push(Buffer.from(entry.name).toString());
    expect(names).toEqual(["./", "a", "b", "s"]);
    expect(losses).toEqual([{ path: ".wh.d", what: "file", reason: "its name is a mark in a layer" }]);
  });
});

/** The base, and what comes of it with another layer. */
async function base(
  change: { older?: (file: TreeFile) => Partial<TreeFile>; newer?: (file: TreeFile) => Partial<TreeFile> },
  ...top: EntrySketch[]
): Promise<[older: LayerTree, newer: LayerTree]> {
  const layers = [layerOf("base", ...BASE), layerOf("top", ...top)];
  return [await memoryTree(layers.slice(0, 1), change.older), await memoryTree(layers, change.newer)];
}

function layersOf(layers: readonly (readonly EntrySketch[])[]): ReturnType<typeof layerOf>[] {
  return acceptable(layers).map((sketches, index) => layerOf(`layer ${index}`, ...sketches.map(wholeSeconds)));
}

/** Data is compared only where the time is a whole second. */
function wholeSeconds(sketch: EntrySketch): EntrySketch {
  return { ...sketch, mtimeNs: ((sketch.mtimeNs ?? 0n) % 10n) * SECOND_NS };
}

async function tarOf(older: LayerTree | undefined, newer: LayerTree): Promise<Uint8Array> {
  return await collect(writeEntries(layerDiff({ older, newer, onLoss })), 1e9, () => new Error("too long"));
}

async function namesOf(older: LayerTree | undefined, newer: LayerTree): Promise<string[]> {
  const entries = layerDiff({ older, newer, onLoss });
  const names: string[] = [];
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) names.push(Buffer.from(entry.name).toString());
  return names;
}

function onLoss(loss: Loss): never {
  throw new Error(`lost: ${JSON.stringify(loss)}`);
}
