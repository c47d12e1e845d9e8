import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { verifyImages, type ImagesVerification } from "../../src/oci/verify.ts";
import { configOf, dockerEntries, json, layer, LayoutSketch, OCI, sha256, type LayerSketch } from "../support/oci.ts";
import { sketchTar, type EntrySketch } from "../support/tar.ts";
import { VirtualFile } from "../support/virtual-file.ts";

const [ONE, TWO] = [layer("etc/one"), layer("etc/two", "gzip")];

async function verified(tar: Uint8Array): Promise<ImagesVerification> {
  return await verifyImages(VirtualFile.of(tar), "images.tar", {});
}

/** What is wrong, as `blob: problem (at byte …)`, the blob by its first digits. */
async function problemsOf(tar: Uint8Array): Promise<string[]> {
  const { findings } = await verified(tar);
  return findings.map(({ member, problem, offset, streamOffset }) => {
    const place = streamOffset ?? offset;
    return `${member === undefined ? "" : `${short(member)}: `}${problem}${place === undefined ? "" : ` (at byte ${place})`}`;
  });
}

function short(digest: string): string {
  return digest.slice(0, 15);
}

/** A layer of entries, stored plain. */
function layerOf(...entries: EntrySketch[]): LayerSketch {
  const tar = sketchTar(...entries);
  return { tar, stored: tar, mediaType: `${OCI}.layer.v1.tar` };
}

/** A layout of one image. */
function layout(layers: readonly LayerSketch[], change: (sketch: LayoutSketch) => void = () => undefined): Buffer {
  const sketch = new LayoutSketch();
  sketch.name(sketch.image(layers).descriptor, "1");
  change(sketch);
  return sketch.tar();
}

describe("verifyImages", () => {
  test("tells of images that are whole what they are", async () => {
    const sketch = new LayoutSketch();
    const [amd, arm] = [sketch.image([ONE, TWO]), sketch.image([ONE], configOf([ONE], { architecture: "arm64" }))];
    const index = sketch.index([amd, arm].map(({ descriptor }) => descriptor));
    const { findings, images, blobs, bytes } = await verified(sketch.name(index, "example.org/app:1").name(arm.descriptor, "arm").tar());
    expect(findings).toEqual([]);
    expect(images).toEqual([
      { names: ["example.org/app:1"], digest: amd.descriptor.digest, platform: "linux/amd64", layers: 2, files: 3 },
      { names: ["example.org/app:1", "arm"], digest: arm.descriptor.digest, platform: "linux/arm64", layers: 1, files: 2 },
    ] as unknown as ImagesVerification["images"]);
    const stored = [...sketch.files].filter(([name]) => name.startsWith("blobs/"));
    expect([blobs, bytes]).toEqual([stored.length, stored.reduce((sum, [, { length }]) => sum + length, 0)]);
  });

  test("takes a docker-archive, whose layers are its blobs too", async () => {
    const { findings, images } = await verified(sketchTar(...dockerEntries([ONE, TWO])));
    expect([findings, images.map(({ names, files }) => [names, files])]).toEqual([[], [[["docker.io/example/app:1"], 3]]]);
  });

  const changed = Buffer.from(ONE.stored);
  changed.write("That", 512);
  const [digest, other] = [sha256(ONE.stored), sha256(changed)];
  test.each([
    [
      "a layer that is another",
      () => layout([ONE, TWO], ({ files }) => void files.set(`blobs/${digest.replace(":", "/")}`, changed)),
      [`${short(digest)}: its digest is "${other}" instead of "${digest}"`],
    ],
    [
      "a blob that no image needs",
      () => layout([ONE], ({ files }) => void files.set(`blobs/sha256/${"0".repeat(64)}`, Buffer.from("x"))),
      [`sha256:00000000: its digest is "${sha256(Buffer.from("x"))}" instead of "sha256:${"0".repeat(64)}"`],
    ],
    [
      "a layer that is missing",
      () => layout([ONE], ({ files }) => void files.delete(`blobs/${digest.replace(":", "/")}`)),
      [`layer "${digest}" is missing`],
    ],
    [
      "another diffID",
      () => layout([{ ...TWO, tar: ONE.tar }]),
      [`${short(sha256(TWO.stored))}: its diffID is "${sha256(TWO.tar)}" instead of "${digest}"`],
    ],
    [
      "a name that is there twice",
      () => layout([layerOf({ name: "a" }, { name: "b" }, { name: "./a" })]),
      [`${short(sha256(layerOf({ name: "a" }, { name: "b" }, { name: "./a" }).tar))}: "./a": it takes the place of what the same layer has put there (at byte 1024)`], // prettier-ignore
    ],
    [
      "a mark that names nothing",
      () => layout([layerOf({ name: "a/.wh..." })]),
      [`${short(sha256(layerOf({ name: "a/.wh..." }).tar))}: "a/.wh...": it removes what has no name (at byte 0)`],
    ],
    ["no index", () => layout([ONE], ({ files }) => void files.set("index.json", json([]))), ['"index.json": it is no JSON object']],
    ["no images", () => sketchTar({ name: "a" }), ["it is neither an OCI layout nor a docker-archive"]],
  ])("names %s", async (_what, tar, problems) => {
    expect(await problemsOf(tar())).toEqual(problems);
  });

  test("goes on behind what is damaged: other layers and images are checked, each thing is named once", async () => {
    const sketch = new LayoutSketch();
    const broken = layerOf({ name: "a", data: "x" }, { name: "a", data: "y" });
    const [one, two] = [sketch.image([broken, TWO]), sketch.image([broken, ONE])];
    sketch.name(one.descriptor, "1").name(two.descriptor, "2");
    for (const { stored } of [TWO, ONE]) sketch.files.set(`blobs/${sha256(stored).replace(":", "/")}`, Buffer.alloc(stored.length));
    const { findings, images } = await verified(sketch.tar());
    expect(findings.map(({ member }) => member)).toEqual([broken, TWO, ONE].map(({ stored }) => sha256(stored)));
    expect(images.map(({ files }) => files)).toEqual([undefined, undefined]);
  });

  test("sees the digest of a layer also behind an entry that cannot be taken", async () => {
    const broken = layerOf({ name: "a" }, { name: "a" }, { name: "b", data: Buffer.alloc(3 * 1024 * 1024) });
    const altered = Buffer.from(broken.stored);
    altered.write("c", 2 * 1024 * 1024);
    const { findings } = await verified(
      layout([broken], ({ files }) => void files.set(`blobs/${sha256(broken.stored).replace(":", "/")}`, altered)),
    );
    expect(findings.map(({ problem }) => problem.slice(0, 14))).toEqual(['"a": it takes ', "its digest is "]);
  });

  test("passes over a layer that is kept elsewhere, and says so", async () => {
    const foreign = { ...TWO, mediaType: `${OCI}.layer.nondistributable.v1.tar+gzip` };
    const { findings, images, notes } = await verified(
      layout([ONE, foreign], ({ files }) => void files.delete(`blobs/${sha256(TWO.stored).replace(":", "/")}`)),
    );
    expect([findings, images[0]?.files, notes]).toEqual([
      [],
      undefined,
      [`layer "${sha256(TWO.stored)}" is not distributed with its image`],
    ]);
  });

  test("of a compressed archive that is cut, says that", async () => {
    const packed = gzipSync(layout([ONE]));
    expect(await problemsOf(packed.subarray(0, packed.length - 100))).toEqual(['"images.tar": it is cut off']);
  });
});
