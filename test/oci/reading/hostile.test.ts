/** Images that are wrong, on purpose or not: all are refused, with the thing named, as damaged. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { decompressAny } from "../../../src/oci/reading/decompress.ts";
import { openImages } from "../../../src/oci/reading/open-images.ts";
import { drain } from "../../../src/stream/bytes.ts";
import type { ImageArchive } from "../../../src/oci/image.ts";
import { IMAGE_CONTENTS } from "../../hostile/attacks/image-contents.ts";
import { IMAGE_DOCUMENTS } from "../../hostile/attacks/image-documents.ts";
import { IMAGE_MEMBERS } from "../../hostile/attacks/image-members.ts";
import { flipped, GZIPPED, gzipZeros, layDirectory, layoutWith, LOWER, pathOf } from "../../hostile/image-craft.ts";
import { contentOf, json, open, refusalOf } from "../../support/oci.ts";
import { sketchTar, streamOf } from "../../support/tar.ts";
import { VirtualFile } from "../../support/virtual-file.ts";

/** What reading alone refuses. */
const ATTACKS = [...IMAGE_CONTENTS, ...IMAGE_DOCUMENTS, ...IMAGE_MEMBERS].filter(
  ({ make, stored, container }) => make !== undefined && stored === undefined && container?.exit !== 10,
);

/** Opens, and reads all layers. */
async function readAllOf(archive: Promise<ImageArchive>): Promise<void> {
  for (const { layers } of (await archive).images) for (const one of layers) await drain(one.open());
}

describe("images are refused", () => {
  test.each(ATTACKS.map((attack) => [attack.name, attack] as const))("%s", async (_, { make, says }) => {
    const refusal = await refusalOf(async () => await readAllOf(open(make?.({ path: "/nowhere" }) ?? Buffer.alloc(0))));
    expect(refusal).toContain("damaged: Cannot ");
    expect(refusal).toContain(says);
  });

  test("JSON of 1 GiB, without reading it", async () => {
    const size = 2 ** 30;
    const marker = sketchTar({ name: "oci-layout", data: json({ imageLayoutVersion: "1.0.0" }) }).subarray(0, 1024);
    const header = sketchTar({ name: "index.json", size }).subarray(0, 512);
    const file = new VirtualFile(1536 + size + 1024, [{ at: 0, bytes: Buffer.concat([marker, header]) }]);
    expect(await refusalOf(async () => await open(file))).toBe(
      `damaged: Cannot read "index.json": it has ${size} bytes, more than 8388608`,
    );
    expect(file.bytesRead).toBeLessThan(100_000);
  });

  test("a gzip bomb for the archive, of which no more is kept than was let through", async () => {
    const content = decompressAny(streamOf(gzipZeros(1056), [100_000]), "images.tar.gz");
    expect(await refusalOf(async () => await drain(content))).toContain('"images.tar.gz": with it, what is stored in ');
  });

  test("an archive that is cut off anywhere", async () => {
    const whole = layoutWith(() => undefined);
    for (let length = 1; length < whole.length - 1024; length += 97) {
      const refusal = await refusalOf(async () => await readAllOf(open(whole.subarray(0, length))));
      expect(`${length}: ${refusal}`).toContain(`${length}: damaged: Cannot read `);
    }
  });

  test("an archive with any byte of what counts flipped", async () => {
    const whole = layoutWith(() => undefined, [GZIPPED]);
    const original = JSON.stringify((await open(whole)).images.map(({ manifest, config }) => [manifest.descriptor, config.digest]));
    for (let at = 512; at < whole.length - 1024; at += 61) {
      let images = "";
      const refusal = await refusalOf(async () => {
        const archive = await open(flipped(whole, at));
        await readAllOf(Promise.resolve(archive));
        images = JSON.stringify(archive.images.map(({ manifest, config }) => [manifest.descriptor, config.digest]));
      });
      // nothing stands for the bytes of index.json, in which names may change, or a media type to one that is no image's
      if (refusal === "accepted" && images !== "[]") expect(`${at}: ${images}`).toBe(`${at}: ${original}`);
      if (refusal !== "accepted") expect(`${at}: ${refusal}`).toContain(`${at}: damaged: `);
    }
  });
});

describe("a directory is refused", () => {
  let directory: string;
  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-hostile-layout-"));
    layDirectory(directory);
  });
  afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

  test("with a blob that changes after it was opened", async () => {
    const { images } = await openImages({ directory }, "layout");
    fs.writeFileSync(path.join(directory, pathOf(LOWER.stored)), flipped(LOWER.stored, 600));
    expect(await refusalOf(async () => await contentOf(images[0]?.layers[0] as never))).toContain("its digest is");
    fs.writeFileSync(path.join(directory, pathOf(LOWER.stored)), LOWER.stored.subarray(0, 100));
    expect(await refusalOf(async () => await contentOf(images[0]?.layers[0] as never))).toContain("became shorter while it was read");
  });
});
