/** A blob in a file. */
import * as fs from "node:fs";
import { readAll, type ByteStream } from "../../stream/bytes.ts";
import { openInput } from "../../sys/input.ts";
import type { Digest } from "../digest.ts";
import type { Blob } from "../image.ts";
import { fileBlob } from "../reading/blobs.ts";

/** The blob in a file; undefined if there is no such file. */
export function blobIn(file: string, digest: Digest, signal?: AbortSignal): Blob | undefined {
  const stat = fs.lstatSync(file, { throwIfNoEntry: false });
  return stat?.isFile() === true ? fileBlob({ path: file, size: stat.size, open: () => read(file, signal) }, digest) : undefined;
}

async function* read(file: string, signal: AbortSignal | undefined): ByteStream {
  await using input = await openInput(file, signal);
  yield* readAll(input);
}
