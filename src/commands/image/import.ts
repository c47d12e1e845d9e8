/** `ctar image import`, and `ctar image load` as Docker spells it: images of an archive come into the pool's store. */
import * as fs from "node:fs";
import { ToolError } from "../../errors.ts";
import { parsePlatform } from "../../oci/platform.ts";
import { importImages, type ImportedImage } from "../../oci/store/import.ts";
import { nameTargets, type Naming } from "../../oci/store/naming.ts";
import { withIncomingImages, type ImportSource } from "../../oci/store/open-import.ts";
import type { PlatformChoice } from "../../oci/store/platform-choice.ts";
import { openInput } from "../../sys/input.ts";
import type { Context } from "../context.ts";
import { defineVerb, type Verb } from "../define.ts";
import { createPoolImages } from "./store.ts";
import { PROGRESS_ARGS, shown } from "../telling/progress.ts";
import { JSON_ARG } from "../telling/results.ts";
import { sizeOf } from "../inputs/subject.ts";
import { POOL_ARG, timeOf } from "../world.ts";

/** `ctar image import`. */
export const imageImportVerb: Verb = defineVerb({
  name: "import",
  summary: "Keep the images of an archive",
  description:
    "Reads what docker save, podman save, ctr image export, skopeo and umoci write: docker-archives and OCI layouts, also compressed, from a file, a " +
    "pipe, or a directory. All is checked before a name points to it: digests, sizes, layers decompressed. A blob is stored once. Of an image for " +
    "several platforms, those are kept that the archive has.",
  args: {
    archive: { type: "positional", completes: "file", description: "A file, an OCI layout's directory, or - for stdin" },
    tag: { type: "string", valueHint: "NAME", repeatable: true, description: "Name for the archive's only image, in place of its own" },
    baseName: {
      type: "string",
      valueHint: "NAME",
      description: "Repository for names that are a tag only; images of others are left out",
    },
    digests: { type: "boolean", description: "Give images a name made of the repository and their digest, too" },
    skipDigestForNamed: { type: "boolean", description: "With --digests, those only that have no other name" },
    platform: { type: "string", valueHint: "OS/ARCH", repeatable: true, description: "Keep this platform alone" },
    allPlatforms: { type: "boolean", description: "Fail unless the archive has every platform that the image lists" },
    pool: POOL_ARG,
    ...JSON_ARG,
    ...PROGRESS_ARGS,
  },
  examples: [
    "ctar image import alpine.tar",
    "ssh build docker save app:1.2 | ctar image import -",
    "ctar image import --base-name registry.example/team/app layout/",
    "ctar image import --platform linux/arm64 multi.tar",
  ],
  run: shown("image import", async ({ archive, pool, json, platform, allPlatforms, ...naming }, context) => {
    if (naming.skipDigestForNamed && !naming.digests) throw new ToolError("usage", "Cannot use --skip-digest-for-named without --digests");
    const imported = await importArchive({
      archive,
      pool,
      platforms: chosenPlatforms(platform, allPlatforms),
      naming: { ...naming, tags: naming.tag, date: dateOf(context) },
      context,
    });
    if (json) context.results.set(imported.map(reportOf));
    else for (const image of imported) await context.print(lineOf(image));
  }),
});

/** `docker image load`. */
export const imageLoadVerb: Verb = defineVerb({
  name: "load",
  summary: "Keep the images of an archive, as docker load",
  args: {
    input: { type: "string", alias: "i", valueHint: "FILE", completes: "file", description: "The archive; stdin if left out" },
    platform: { type: "string", valueHint: "OS/ARCH", repeatable: true, description: "Load this platform alone" },
    pool: POOL_ARG,
    ...PROGRESS_ARGS,
    quiet: { ...PROGRESS_ARGS.quiet, description: "Do not say what was loaded" },
  },
  examples: ["ctar image load -i alpine.tar", "docker save alpine | ctar image load"],
  run: shown("image load", async ({ input = "-", quiet, platform, pool }, context) => {
    const naming: Naming = { tags: [], baseName: undefined, digests: false, skipDigestForNamed: false, date: dateOf(context) };
    const imported = await importArchive({ archive: input, pool, platforms: chosenPlatforms(platform, false), naming, context });
    if (quiet) return;
    for (const { name, digest } of imported)
      await context.print(name === undefined ? `Loaded image ID: ${digest}` : `Loaded image: ${name}`);
  }),
});

/** What the options choose. @throws ToolError usage */
export function chosenPlatforms(platforms: readonly string[], all: boolean): PlatformChoice {
  if (all && platforms.length > 0) throw new ToolError("usage", "Cannot use --platform together with --all-platforms");
  if (all) return "all";
  return platforms.length === 0 ? "there" : platforms.flatMap((list) => list.split(",")).map(parsePlatform);
}

async function importArchive(request: {
  archive: string;
  pool: string | undefined;
  platforms: PlatformChoice;
  naming: Naming;
  context: Context;
}): Promise<ImportedImage[]> {
  const { archive, pool, platforms, naming, context } = request;
  await using source = await openSource(archive, context);
  const { store } = await createPoolImages(pool, context);
  using lease = store.lease();
  context.progress.begin({ phase: "read", total: sizeOf(source) });
  return await withIncomingImages(source, { lease, signal: context.signal }, async (images) => {
    for (const note of images.notes) context.tell("note", note);
    return await importImages(nameTargets(images.targets, naming), {
      archive: images,
      store,
      lease,
      platforms,
      progress: context.progress,
    });
  });
}

async function openSource(archive: string, context: Context): Promise<ImportSource & AsyncDisposable> {
  if (archive !== "-" && fs.statSync(archive, { throwIfNoEntry: false })?.isDirectory() === true) {
    return { input: { directory: archive }, what: archive, [Symbol.asyncDispose]: async () => await Promise.resolve() };
  }
  const input = await openInput(archive, { signal: context.signal, counter: context.progress });
  return { input, what: input.name, [Symbol.asyncDispose]: async () => await input[Symbol.asyncDispose]() };
}

function dateOf(context: Context): string {
  return new Date(timeOf(context) * 1000).toISOString().slice(0, 10);
}

function lineOf({ name, digest, before }: ImportedImage): string {
  const change = before === undefined ? "new" : before === digest ? "unchanged" : `was ${before}`;
  return `${name ?? "<none>"}  ${digest}  ${change}`;
}

function reportOf({ name, digest, before }: ImportedImage): object {
  return { name: name ?? null, digest, before: before ?? null };
}
