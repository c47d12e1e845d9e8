/** `ctar image ls`, `inspect`, `tag`, `rm`: the images in the pool's store, and their names. */
import { ToolError } from "../../errors.ts";
import { formatReference, parseReference } from "../../oci/reference.ts";
import { describeImages, listImages, type DescribedImage, type ListedImage } from "../../oci/store/describe.ts";
import { pruneStore } from "../../oci/store/prune.ts";
import { findImages } from "../../oci/store/select.ts";
import { escapeControl } from "../../sys/escape.ts";
import type { Context } from "../context.ts";
import { defineVerb, type Verb } from "../define.ts";
import { openPoolImages } from "./store.ts";
import { JSON_ARG } from "../telling/results.ts";
import { formatSize, POOL_ARG } from "../world.ts";

const NO_NAME = "<none>";

/** `ctar image ls`. */
export const imageLsVerb: Verb = defineVerb({
  name: "ls",
  summary: "List the images",
  args: {
    quiet: { type: "boolean", alias: "q", description: "Print names only, or the digest of what has none" },
    ...JSON_ARG,
    pool: POOL_ARG,
  },
  examples: ["ctar image ls", "ctar image ls --json | jq -r '.[].digest'"],
  run: async ({ quiet, json, pool }, context) => {
    const images = await listImages((await openPoolImages(pool, context)).store);
    if (json) context.results.set(images);
    else if (quiet) for (const { name, digest } of images) await context.print(escapeControl(name ?? digest));
    else await printList(images, context);
    for (const { name, digest, problem } of images) {
      if (problem !== undefined) context.tell("warning", `${name ?? digest}: ${problem}`);
    }
  },
});

/** `ctar image inspect`. */
export const imageInspectVerb: Verb = defineVerb({
  name: "inspect",
  summary: "Show what an image is",
  args: {
    image: { type: "positional", repeatable: true, completes: "image", description: "The images, by name or digest" },
    json: { type: "boolean", description: "Print JSON, with the whole configuration" },
    pool: POOL_ARG,
  },
  examples: ["ctar image inspect alpine:3.20", "ctar image inspect --json alpine | jq '.[0].manifests[0].config'"],
  run: async ({ image, json, pool }, context) => {
    const { store } = await openPoolImages(pool, context);
    const images = await describeImages(store, (all) => [...new Set(image.flatMap((text) => findImages(all, text)))]);
    if (json) context.results.set(images);
    else for (const one of images) await printImage(one, context);
  },
});

/** `ctar image tag`. */
export const imageTagVerb: Verb = defineVerb({
  name: "tag",
  summary: "Give an image another name",
  args: {
    image: { type: "positional", completes: "image", description: "The image, by name or digest" },
    name: { type: "positional", repeatable: true, description: "Its new names" },
    force: { type: "boolean", alias: "f", description: "Take names from other images" },
    pool: POOL_ARG,
  },
  examples: ["ctar image tag alpine:3.20 registry.example/base:1"],
  run: async ({ image, name: texts, force, pool }, context) => {
    const names = new Set(texts.map((text) => formatReference(parseReference(text))));
    const { store } = await openPoolImages(pool, context);
    await store.change((before) => {
      const [source] = findImages(before, image);
      if (source === undefined) throw new TypeError("findImages finds one at least");
      const taken = before.find(({ name, target }) => name !== undefined && names.has(name) && target.digest !== source.target.digest);
      if (taken !== undefined && !force) {
        throw new ToolError("exists", `Cannot tag image "${image}": "${taken.name}" is another one`, {
          hints: ["Use --force to take the name"],
        });
      }
      const others = before.filter(({ name }) => name === undefined || !names.has(name));
      return {
        images: [
          ...others.filter((other) => other !== source || other.name !== undefined),
          ...Array.from(names, (name) => ({ ...source, name })),
        ],
        result: undefined,
      };
    });
  },
});

/** `ctar image rm`. */
export const imageRmVerb: Verb = defineVerb({
  name: "rm",
  summary: "Remove images",
  description: "Removes names, and the data that no other name needs. A digest stands for all names of the image.",
  args: {
    image: { type: "positional", repeatable: true, completes: "image", description: "The images, by name or digest" },
    prune: { type: "boolean", default: true, negatable: true, description: "Remove the data, too" },
    pool: POOL_ARG,
  },
  examples: ["ctar image rm alpine:3.20", "ctar image rm sha256:0f3e"],
  run: async ({ image, prune, pool }, context) => {
    const { store } = await openPoolImages(pool, context);
    const removed = await store.change((before) => {
      const found = new Set(image.flatMap((text) => findImages(before, text)));
      return { images: before.filter((other) => !found.has(other)), result: [...found] };
    });
    for (const { name, target } of removed) await context.print(`removed ${escapeControl(name ?? target.digest)}`);
    if (prune) await pruneStore(store, { untagged: false, dryRun: false });
  },
});

async function printList(images: readonly ListedImage[], context: Context): Promise<void> {
  const rows = images.map(({ name, digest, size, platforms, problem }) => [
    name ?? NO_NAME,
    digest,
    problem === undefined ? formatSize(size) : "damaged",
    platforms.join(",") || "-",
  ]);
  const lines = [["NAME", "DIGEST", "SIZE", "PLATFORMS"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  for (const line of lines) await context.print(escapeControl(line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")));
}

async function printImage({ name, digest, mediaType, size, absent, manifests, problem }: DescribedImage, context: Context): Promise<void> {
  const print = async (label: string, value: string): Promise<void> => await context.print(escapeControl(`${label.padEnd(12)}${value}`));
  await print("name", name ?? NO_NAME);
  await print("digest", digest);
  await print("type", mediaType);
  await print("size", formatSize(size));
  if (problem !== undefined) await print("problem", problem);
  for (const one of manifests) {
    await print("platform", one.platform);
    await print("  manifest", one.digest);
    await print("  config", one.configDigest);
    for (const layer of one.layers) await print("  layer", `${layer.digest}  ${formatSize(layer.size)}`);
  }
  for (const other of absent) await print("not kept", other);
}
