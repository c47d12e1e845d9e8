import { expect, test } from "bun:test";
import { flatten } from "../../../src/oci/layers/flatten.ts";
import type { LayerSource } from "../../../src/oci/layers/layer-pass.ts";
import type { ByteStream } from "../../../src/stream/bytes.ts";
import { END_BLOCKS_BYTES } from "../../../src/stream/tar/write.ts";
import { sketchEntry } from "../../support/tar.ts";

const FILES = 100_000;

test("flatten takes a layer of 100,000 files, and another one that takes every second of them away", async () => {
  const layers: LayerSource[] = [
    { what: "files", open: () => entries((index) => ({ name: pathOf(index), data: `${index}` })) },
    {
      what: "marks",
      open: () => entries((index) => ({ name: index % 2 === 0 ? pathOf(index).replace("/file", "/.wh.file") : `new/${index}` })),
    },
  ];
  const image = await flatten(layers);
  expect(image.names).toBe(FILES / 2 + FILES / 1000 + FILES / 2 + 1);
  const entriesLeft = image.entries();
  const counts = { files: 0, withData: 0 };
  for (let entry = await entriesLeft.next(); entry !== undefined; entry = await entriesLeft.next()) {
    if (entry.typeflag === "0") counts.files += 1;
    if (entry.size > 0) counts.withData += 1;
  }
  expect(counts).toEqual({ files: FILES, withData: FILES / 2 });
}, 60_000);

function pathOf(index: number): string {
  return `${Math.floor(index / 1000)}/file-${index}`;
}

async function* entries(sketch: (index: number) => { name: string; data?: string }): ByteStream {
  for (let index = 0; index < FILES; index += 100) {
    yield Buffer.concat(Array.from({ length: 100 }, (_, offset) => sketchEntry(sketch(index + offset))));
  }
  yield new Uint8Array(END_BLOCKS_BYTES);
}
