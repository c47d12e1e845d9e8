import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { layerDiff } from "../../../src/oci/layers/diff.ts";
import type { LayerTree } from "../../../src/oci/layers/layer-tree.ts";
import { collect } from "../../../src/stream/bytes.ts";
import { writeEntries } from "../../../src/stream/tar/write-entries.ts";
import type { Loss } from "../../../src/tree/loss.ts";
import { run } from "../../support/platform.ts";
import { sketchTar, type EntrySketch } from "../../support/tar.ts";
import { adversarialImage } from "./adversarial-image.ts";
import { bytesLayer } from "./flat-facts.ts";
import { memoryTree } from "./memory-tree.ts";
import { comparable, unpackOurs, unpackPodman, unpackUmoci, type Unpack } from "./programs.ts";

const IS_ROOT = process.getuid?.() === 0;
const HAS = { umoci: await isThere("umoci"), podman: await isThere("podman") };
/** Times in the fixtures are before, times at which a program worked behind. */
const SINCE_NS = 1_700_000_000_000_000_000n;

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "ctar-layers-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.skipIf(!IS_ROOT)(`flatten${IS_ROOT ? "" : " (skipped: only root can make the files of an image)"}`, () => {
  const programs: [string, Unpack, boolean][] = [
    ["umoci", unpackUmoci, HAS.umoci],
    ["podman", unpackPodman, HAS.podman],
  ];
  for (const [name, unpack, isInstalled] of programs) {
    test.skipIf(!isInstalled)(
      `gives the tree that ${name} unpacks of 30 layers that are hard to flatten`,
      async () => {
        const layers = adversarialImage();
        expect(layers.length).toBe(30);
        const { ours, theirs } = await unpackBoth(unpack, layers);
        expect(theirs.length).toBeGreaterThan(60);
        expect(ours).toEqual(theirs);
      },
      60_000,
    );

    test.skipIf(!isInstalled)(
      `gives the tree that ${name} unpacks of the layers that layerDiff makes of it`,
      async () => {
        const tars = adversarialImage().map((sketches) => sketchTar(...sketches));
        const sources = tars.map((tar, index) => bytesLayer(`layer ${index}`, tar));
        const trees = [await memoryTree(sources.slice(0, 14)), await memoryTree(sources.slice(0, 20)), await memoryTree(sources)];
        const layers: Uint8Array[] = [];
        for (const newer of trees) layers.push(await tarOf(trees[layers.length - 1], newer));
        const directory = mkdtempSync(join(root, "diff-"));
        const { ours, theirs } = comparable(await unpackOurs(directory, tars), (await unpack(directory, layers)) ?? [], SINCE_NS);
        expect(ours).toEqual(theirs);
      },
      60_000,
    );
  }
});

async function unpackBoth(unpack: Unpack, layers: readonly (readonly EntrySketch[])[]): Promise<{ ours: string[]; theirs: string[] }> {
  const directory = mkdtempSync(join(root, "image-"));
  const tars = layers.map((sketches) => sketchTar(...sketches));
  const theirs = await unpack(directory, tars);
  return comparable(await unpackOurs(directory, tars), theirs ?? [], SINCE_NS);
}

async function tarOf(older: LayerTree | undefined, newer: LayerTree): Promise<Uint8Array> {
  const onLoss = (loss: Loss): never => {
    throw new Error(`lost: ${loss.path}`);
  };
  return await collect(writeEntries(layerDiff({ older, newer, onLoss })), 1e9, () => new Error("too long"));
}

async function isThere(program: string): Promise<boolean> {
  return (await run(["sh", "-c", `command -v ${program}`])).code === 0;
}
