import { afterAll, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { IMAGE, makeImage } from "../../scripts/bench/make-image.ts";
import { filesOfImage } from "../../src/oci/layers/image-files.ts";
import { drain } from "../../src/stream/bytes.ts";
import { open } from "../support/oci.ts";

const directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-bench-image-"));
afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

test("makeImage makes a docker-archive of about the size that is wanted, whose layers are what they are said to be", async () => {
  const file = path.join(directory, "image.tar");
  const { bytes, records, files } = makeImage(file, 1024 * 1024);
  expect(fs.statSync(file).size).toBe(bytes);
  expect(bytes).toBeGreaterThan(1024 * 1024);
  const { images } = await open(fs.readFileSync(file));
  expect(images.map(({ references, layers }) => [references, layers.length])).toEqual([[[IMAGE], records]]);
  const entries = await (await filesOfImage(images[0] as never)).open();
  let count = 0;
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
    if (entry.typeflag === "0") count += 1;
    await drain(entry.body());
  }
  expect(count).toBe(files);
});
