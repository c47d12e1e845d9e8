import * as fs from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { writeImages } from "../../../src/oci/store/export.ts";
import { withHeldImages } from "../../../src/oci/store/held-images.ts";
import { findRepositories } from "../../../src/oci/store/select.ts";
import type { ByteSink } from "../../../src/stream/bytes.ts";
import { StoreScene } from "../../support/image-store.ts";
import { dockerEntries, layer, LayoutSketch, open } from "../../support/oci.ts";
import { readPlainTar } from "../../support/plain-tar.ts";
import { sketchTar } from "../../support/tar.ts";

let scene: StoreScene;
beforeEach(async () => {
  scene = new StoreScene();
  await scene.import(sketchTar(...dockerEntries([layer("a"), layer("b")], { tags: ["app:2", "app:1", "example.org/same"] })));
  const layout = new LayoutSketch();
  await scene.import(layout.name(layout.image([layer("a"), layer("c", "gzip")]).descriptor, "example.org/other:1").tar());
});
afterEach(() => scene[Symbol.dispose]());

async function exported(names: readonly string[], manifestJson = true): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const write = async (more: readonly Uint8Array[]): Promise<void> => {
    chunks.push(...more.map((chunk) => Buffer.from(chunk)));
    await Promise.resolve();
  };
  const sink = { offset: 0, patchable: false, write, flush: async () => await Promise.resolve(), patch: write } as unknown as ByteSink;
  const wanted = { choose: (all: ReturnType<typeof scene.store.images>) => findRepositories(all, names), platforms: "there" } as const;
  await withHeldImages(scene.store, wanted, async (held, blobs) => {
    const images = held.map((item) => {
      if ("problem" in item) throw item.problem;
      return { target: item.image.target, names: [item.image.name ?? "-"], tree: item.tree };
    });
    await writeImages(images, sink, { blobs, manifestJson, skipNonDistributable: false });
  });
  return Buffer.concat(chunks);
}

describe("writeImages", () => {
  test("documents come before layers, each blob once, directories before what is in them", async () => {
    const members = readPlainTar(await exported(["app", "example.org/other"]));
    const names = members.map(({ name }) => name);
    expect(names.slice(0, 5)).toEqual(["oci-layout", "index.json", "manifest.json", "blobs/", "blobs/sha256/"]);
    const blobs = members.slice(5);
    expect(blobs).toHaveLength(scene.blobs().length);
    expect(new Set(names).size).toBe(names.length);
    const isDocument = blobs.map(({ content }) => content.at(0) === "{".charCodeAt(0));
    expect(isDocument).toEqual([true, true, true, true, false, false, false]);
    for (const { name, content } of blobs) expect(content.equals(fs.readFileSync(`${scene.store.directory}/${name}`))).toBe(true);
  });

  test("the same images give the same bytes, and those are read again", async () => {
    const first = await exported(["app", "example.org/other"]);
    expect(await exported(["app", "example.org/other"])).toEqual(first);
    const archive = await open(first);
    expect(archive.targets.map(({ references, descriptor }) => [...references, descriptor.digest])).toEqual(
      [...Map.groupBy(scene.store.images().filter(({ name }) => !name?.includes("same")), ({ target }) => target.digest)].map(([digest, images]) => [...images.map(({ name }) => name as string), digest]), // prettier-ignore
    );
  });

  test("manifest.json names each image with its tags and the paths of its blobs", async () => {
    const members = readPlainTar(await exported(["app", "example.org/other"]));
    const list = JSON.parse(members.find(({ name }) => name === "manifest.json")?.content.toString() ?? "") as Record<string, string[]>[];
    expect(list.map((image) => image["RepoTags"])).toEqual([
      ["docker.io/library/app:1", "docker.io/library/app:2"],
      ["example.org/other:1"],
    ]);
    const names = new Set(members.map(({ name }) => name));
    for (const image of list) for (const path of [image["Config"], ...(image["Layers"] ?? [])]) expect(names.has(String(path))).toBe(true);
    expect(readPlainTar(await exported(["app"], false)).map(({ name }) => name)).not.toContain("manifest.json");
  });

  test("a blob that was damaged on disk ends it in an error", async () => {
    const victim = scene.blobs().find((digest) => fs.readFileSync(scene.blobFile(digest)).length > 1000) ?? "";
    fs.chmodSync(scene.blobFile(victim), 0o600);
    const bytes = fs.readFileSync(scene.blobFile(victim));
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    fs.writeFileSync(scene.blobFile(victim), bytes);
    const error = await exported(["app", "example.org/other"]).catch((reason: unknown) => reason as Error);
    expect(String(error)).toContain(victim);
  });
});
