/** What a verb reads: an archive, images, or a root filesystem, opened and told apart; a directory holds images. */
import * as fs from "node:fs";
import type { ImageChoice } from "../../oci/choose-image.ts";
import { ToolError } from "../../errors.ts";
import { parsePlatform } from "../../oci/platform.ts";
import type { ImageDirectory, OpenImagesOptions } from "../../oci/reading/open-images.ts";
import type { ByteSource } from "../../stream/bytes.ts";
import type { Compression } from "../../stream/compression.ts";
import { openInput } from "../../sys/input.ts";
import type { Context } from "../context.ts";
import { recognize } from "./recognize.ts";

/** An input that is open, to be disposed of. */
export type Subject = AsyncDisposable & {
  /** What messages call it. */
  readonly name: string;
  readonly compression: Compression;
} & (
    | { readonly kind: "images"; readonly input: ByteSource | ImageDirectory }
    | { readonly kind: "archive"; readonly input: ByteSource }
    | { readonly kind: "rootfs"; readonly input: ByteSource }
  );

/** Options that choose an image. */
export const IMAGE_ARGS = {
  image: { type: "string", valueHint: "REF", description: "One of several images, by name, tag or digest" },
  platform: { type: "string", valueHint: "OS/ARCH", description: "One of several platforms; this machine's if left out" },
} as const;

/** The option of reading images. */
export const SPOOL_ARG = {
  spoolDir: {
    type: "string",
    valueHint: "DIR",
    completes: "directory",
    description: "Where is kept what cannot be read as it passes; TMPDIR if left out",
  },
} as const;

/** Values of those that choose. */
export interface ImageArguments {
  image?: string | undefined;
  platform?: string | undefined;
}

/** Opens what a path names, or stdin for `-`. @throws ToolError */
export async function openSubject(path: string, context: Context): Promise<Subject> {
  if (path !== "-" && fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
    const input = { directory: path };
    return { kind: "images", name: path, compression: "none", input, [Symbol.asyncDispose]: async () => await Promise.resolve() };
  }
  const input = await openInput(path, { signal: context.signal, counter: context.progress });
  try {
    const { kind, compression, source } = await recognize(input, input.name);
    return { kind, name: input.name, compression, input: source, [Symbol.asyncDispose]: async () => await input[Symbol.asyncDispose]() };
  } catch (error) {
    await input[Symbol.asyncDispose]();
    throw error;
  }
}

/** Bytes of an input that is a file; those of others are not known before their end. */
export function sizeOf({ input }: { readonly input: ByteSource | ImageDirectory }): number | undefined {
  return "directory" in input ? undefined : input.size;
}

/** How images are opened, and where they are kept if they have to be. */
export function imageReading(spoolDir: string | undefined, { signal, tell, progress }: Context): OpenImagesOptions {
  const onSpool = (directory: string): void => tell("note", `the images are kept in "${directory}" while they are read`);
  const onKept = (total: number): void => progress.begin({ phase: "read", total });
  return { signal, counter: progress, onSpool, onKept, ...(spoolDir === undefined ? {} : { spoolDirectory: spoolDir }) };
}

/** Which image is asked for. @throws ToolError usage */
export function imageChoice({ image, platform }: ImageArguments): ImageChoice {
  return { reference: image, platform: platform === undefined ? undefined : parsePlatform(platform) };
}

/** Refuses options that choose an image of what has none. @throws ToolError usage */
export function refuseImageChoice(args: ImageArguments): void {
  const given = (["image", "platform"] as const).find((name) => args[name] !== undefined);
  if (given !== undefined) throw new ToolError("usage", `Cannot use --${given}: the input holds no images`);
}
