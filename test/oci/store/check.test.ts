import * as fs from "node:fs";
import { describe, expect, test } from "bun:test";
import { checkImages } from "../../../src/oci/store/check.ts";
import { pruneStore } from "../../../src/oci/store/prune.ts";
import { StoreScene } from "../../support/image-store.ts";
import { configOf, layer, LayoutSketch, OCI } from "../../support/oci.ts";

/** Two images that share a layer, and one for two platforms. */
async function filledStore(): Promise<StoreScene> {
  const scene = new StoreScene();
  const layout = new LayoutSketch();
  layout.name(layout.image([layer("shared"), layer("one", "gzip")]).descriptor, "example.org/one:1");
  layout.name(layout.image([layer("shared"), layer("two", "zstd")]).descriptor, "example.org/two:1");
  const manifests = ["amd64", "arm64"].map((architecture) => {
    const layers = [layer(architecture)];
    return { ...layout.image(layers, configOf(layers, { architecture })).descriptor, platform: { os: "linux", architecture } };
  });
  layout.name(layout.index(manifests), "example.org/multi:1");
  await scene.import(layout.tar());
  return scene;
}

async function findings(scene: StoreScene): Promise<Record<string, readonly string[]>> {
  const checked = await checkImages(scene.store, (images) => images);
  return Object.fromEntries(checked.map(({ image, problems }) => [image.name ?? "-", problems]));
}

const WHOLE = { "example.org/multi:1": [], "example.org/one:1": [], "example.org/two:1": [] };

describe("checkImages", () => {
  test("finds a store whole", async () => {
    using scene = await filledStore();
    expect(await findings(scene)).toEqual(WHOLE);
    expect(fs.readdirSync(`${scene.store.directory}/.ctar`)).toEqual([]);
  });

  test.each([
    ["removed", (file: string) => fs.rmSync(file)],
    ["cut", (file: string) => fs.truncateSync(file, Math.floor(fs.statSync(file).size / 2))],
    ["emptied", (file: string) => fs.truncateSync(file, 0)],
    [
      "altered",
      (file: string) => {
        const bytes = fs.readFileSync(file);
        const at = Math.floor(bytes.length / 2);
        bytes[at] = (bytes[at] ?? 0) ^ 4;
        fs.writeFileSync(file, bytes);
      },
    ],
  ])("names any blob that was %s, and the images that need it", async (_, damage) => {
    using whole = await filledStore();
    for (const digest of whole.blobs()) {
      const content = fs.readFileSync(whole.blobFile(digest));
      const users = usersOf(whole, digest);
      fs.chmodSync(whole.blobFile(digest), 0o600);
      damage(whole.blobFile(digest));
      const found = Object.entries(await findings(whole)).filter(([, problems]) => problems.length > 0);
      expect(found.map(([name]) => name)).toEqual(users);
      for (const [, problems] of found) expect(problems.join("\n")).toContain(digest);
      fs.writeFileSync(whole.blobFile(digest), content);
    }
    expect(await findings(whole)).toEqual(WHOLE);
  });
});

test("pruneStore removes what no image needs, and says what it would remove", async () => {
  using scene = await filledStore();
  const before = scene.blobs().length;
  const stray = `sha256:${"0".repeat(64)}`;
  fs.writeFileSync(scene.blobFile(stray), "of a run that was killed before it gave a name");
  expect((await pruneStore(scene.store, { untagged: false, dryRun: true })).blobs).toEqual([stray] as never);
  expect((await pruneStore(scene.store, { untagged: false, dryRun: false })).bytes).toBe(46);
  expect(scene.blobs()).toHaveLength(before);
  await scene.store.change((images) => ({ images: images.filter(({ name }) => name !== "example.org/one:1"), result: undefined }));
  await pruneStore(scene.store, { untagged: false, dryRun: false });
  expect(scene.blobs()).toHaveLength(before - 3);
  expect(await findings(scene)).toEqual({ "example.org/multi:1": [], "example.org/two:1": [] });
});

test("pruneStore drops images without a name only if it is told to", async () => {
  using scene = new StoreScene();
  const layout = new LayoutSketch();
  await scene.import(
    layout.name(layout.image([layer("a")], configOf([layer("a")]), { mediaType: `${OCI}.manifest.v1+json` }).descriptor).tar(),
  );
  expect((await pruneStore(scene.store, { untagged: false, dryRun: false })).blobs).toEqual([]);
  expect((await pruneStore(scene.store, { untagged: true, dryRun: false })).blobs).toHaveLength(3);
  expect(scene.store.images()).toEqual([]);
});

/** Names of the images whose documents lead to a digest, found by looking for it in their texts. */
function usersOf(scene: StoreScene, digest: string): string[] {
  const reaches = (from: string): boolean => {
    if (from === digest) return true;
    const text = fs.readFileSync(scene.blobFile(from)).toString("latin1");
    if (!text.startsWith("{")) return false;
    return scene.blobs().some((other) => other !== from && text.includes(`"digest":"${other}"`) && reaches(other));
  };
  return Object.entries(scene.names()).flatMap(([name, target]) => (reaches(target) ? [name] : []));
}
