/** A blob in a file. */
import * as fs from "node:fs";
import { readAll, type ByteStream } from "../../stream/bytes.ts";
import { openInput, type InputOptions } from "../../sys/input.ts";
import type { Digest } from "../digest.ts";
import type { Blob } from "../image.ts";
import { fileBlob } from "../reading/blobs.ts";

/** The blob in a file; undefined if there is no such file. */
export function blobIn(file: string, digest: Digest, options: InputOptions): Blob | undefined {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true ? fileBlob({ path: file, size: stat.size, open: () => read(file, options) }, digest) : undefined;
}

async function* read(file: string, options: InputOptions): ByteStream {
  await using input = await openInput(file, options);
  yield* readAll(input);
}
