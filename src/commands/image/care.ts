/** `ctar image prune` and `check`: that the pool's store holds what it should and no more. */
import { damaged, EXIT_CODES } from "../../errors.ts";
import { checkImages } from "../../oci/store/check.ts";
import { pruneStore } from "../../oci/store/prune.ts";
import { findImages } from "../../oci/store/select.ts";
import type { StoredImage } from "../../oci/store/stored-image.ts";
import { escapeControl } from "../../sys/escape.ts";
import { defineVerb, type Verb } from "../define.ts";
import { openPoolImages } from "./store.ts";
import { PROGRESS_ARGS, shown } from "../telling/progress.ts";
import { JSON_ARG } from "../telling/results.ts";
import { formatSize, POOL_ARG } from "../world.ts";

/** `ctar image prune`. */
export const imagePruneVerb: Verb = defineVerb({
  name: "prune",
  summary: "Remove data that no image needs",
  description: "Removes what no name reaches, and what killed runs left. Imports may run meanwhile.",
  args: {
    untagged: { type: "boolean", description: "Remove images without a name, too" },
    dryRun: { type: "boolean", alias: "n", description: "Say what would be removed" },
    ...JSON_ARG,
    pool: POOL_ARG,
  },
  examples: ["ctar image prune", "ctar image prune --untagged --dry-run"],
  run: async ({ untagged, dryRun, json, pool }, context) => {
    const { store } = await openPoolImages(pool, context);
    const { images, blobs, bytes, leases } = await pruneStore(store, { untagged, dryRun });
    const removed = images.map(({ target }) => target.digest);
    if (json) return context.results.set({ images: removed, blobs, bytes, leases, dryRun });
    for (const digest of removed) await context.print(`image ${digest}`);
    for (const digest of blobs) await context.print(escapeControl(`blob ${digest}`));
    if (leases > 0) await context.print(`what ${leases} killed run(s) left`);
    await context.print(`${dryRun ? "would free" : "freed"} ${formatSize(bytes)}`);
  },
});

/** `ctar image check`. */
export const imageCheckVerb: Verb = defineVerb({
  name: "check",
  summary: "Check that images are whole",
  description:
    "Reads all that images need: every blob is there and is what its digest says, every layer what the configuration says it is when decompressed. " +
    "Prints what is wrong, each on a line, and exits 12. What is damaged goes with ctar image rm, and comes again with ctar image import.",
  args: {
    image: {
      type: "positional",
      required: false,
      repeatable: true,
      completes: "image",
      description: "The images, by name or digest; all if left out",
    },
    ...JSON_ARG,
    pool: POOL_ARG,
    ...PROGRESS_ARGS,
  },
  examples: ["ctar image check", "ctar image check alpine:3.20"],
  run: shown("image check", async ({ image, json, pool }, context) => {
    const { store } = await openPoolImages(pool, context);
    const choose = (all: readonly StoredImage[]): readonly StoredImage[] =>
      image.length === 0 ? all : [...new Set(image.flatMap((text) => findImages(all, text)))];
    const checked = await checkImages(store, choose, context.progress);
    const results = checked.map(({ image: { name, target }, problems }) => ({ name: name ?? null, digest: target.digest, problems }));
    if (json) context.results.set(results);
    else {
      for (const { name, digest, problems } of results)
        for (const line of problems.length === 0 ? ["whole"] : problems) await context.print(escapeControl(`${name ?? digest}: ${line}`));
    }
    const bad = results.filter(({ problems }) => problems.length > 0).length;
    if (bad === 0) return EXIT_CODES.done;
    throw damaged(`Cannot vouch for ${bad === 1 ? "one image" : `${bad} images`} of ${results.length}`);
  }),
});
