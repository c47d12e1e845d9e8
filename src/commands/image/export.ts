/** `ctar image export`, and `ctar image save` as Docker spells it: images of the pool's store become one archive. */
import type { Pool } from "../../host/pool.ts";
import { Run } from "../../host/undo/run.ts";
import { writeImages, type ExportedImage } from "../../oci/store/export.ts";
import { withHeldImages, type HeldImage } from "../../oci/store/held-images.ts";
import type { PlatformChoice } from "../../oci/store/platform-choice.ts";
import { findRepositories } from "../../oci/store/select.ts";
import type { StoredImage } from "../../oci/store/stored-image.ts";
import type { ByteSink } from "../../stream/bytes.ts";
import { temporaryName } from "../../sys/new-file.ts";
import { openSpecialFile, openStdout } from "../../sys/output.ts";
import type { Context } from "../context.ts";
import { defineVerb, type Verb } from "../define.ts";
import { chosenPlatforms } from "./import.ts";
import { openPoolImages } from "./store.ts";
import { PROGRESS_ARGS, shown } from "../telling/progress.ts";
import { JSON_ARG, pathOrNull } from "../telling/results.ts";
import { POOL_ARG } from "../world.ts";
import { writeNewFile } from "../exporting/write-arguments.ts";

/** What is exported, and how. */
interface Request {
  images: readonly string[];
  archive: string;
  pool: string | undefined;
  platforms: PlatformChoice;
  manifestJson: boolean;
  skipNonDistributable: boolean;
  force: boolean;
}

/** `ctar image export`. */
export const imageExportVerb: Verb = defineVerb({
  name: "export",
  summary: "Write images into an archive",
  description:
    "Writes an OCI layout that is a docker-archive as well: docker load, podman load, ctr image import and skopeo read it. The same images give the " +
    "same bytes. A name without a tag means all images of that repository, a digest the image with all its names.",
  args: {
    image: { type: "positional", completes: "image", description: "An image, by name or digest" },
    archive: {
      type: "positional",
      repeatable: true,
      completes: ["image", "file"],
      description: "More images, and last of all the archive: a new file, or - for stdout",
    },
    platform: { type: "string", valueHint: "OS/ARCH", repeatable: true, description: "Write this platform alone" },
    allPlatforms: { type: "boolean", description: "Fail unless the store has every platform that the image lists" },
    skipManifestJson: { type: "boolean", description: "Leave out manifest.json, by which Docker reads it" },
    skipNonDistributable: { type: "boolean", description: "Leave out layers that may be had elsewhere" },
    force: { type: "boolean", alias: "f", description: "Replace an existing archive file" },
    pool: POOL_ARG,
    ...JSON_ARG,
    ...PROGRESS_ARGS,
  },
  examples: [
    "ctar image export alpine:3.20 alpine.tar",
    "ctar image export alpine busybox:1.36 - | ssh host2 docker load",
    "ctar image export --platform linux/arm64 app:1.2 app-arm64.tar",
  ],
  run: shown("image export", async ({ image, archive: rest, platform, allPlatforms, skipManifestJson, ...args }, context) => {
    const words = [image, ...rest];
    const [images, archive] = [words.slice(0, -1), words.at(-1) ?? "-"];
    const platforms = chosenPlatforms(platform, allPlatforms);
    await exportImages({ ...args, images, archive, platforms, manifestJson: !skipManifestJson }, context);
  }),
});

/** `docker image save`; like it, it replaces an existing file. */
export const imageSaveVerb: Verb = defineVerb({
  name: "save",
  summary: "Write images into an archive, as docker save",
  args: {
    image: { type: "positional", repeatable: true, completes: "image", description: "The images, by name or digest" },
    output: { type: "string", alias: "o", valueHint: "FILE", completes: "file", description: "The archive; stdout if left out" },
    platform: { type: "string", valueHint: "OS/ARCH", repeatable: true, description: "Write this platform alone" },
    pool: POOL_ARG,
    ...PROGRESS_ARGS,
  },
  examples: ["ctar image save -o alpine.tar alpine:3.20", "ctar image save alpine | docker load"],
  run: shown("image save", async ({ image, output = "-", platform, pool }, context) => {
    const platforms = chosenPlatforms(platform, false);
    const rest = { manifestJson: true, skipNonDistributable: false, force: true };
    await exportImages({ images: image, archive: output, pool, platforms, ...rest }, context);
  }),
});

async function exportImages(request: Request, context: Context): Promise<void> {
  if (request.archive === "-") context.results.takeStdout();
  const { images, platforms, manifestJson, skipNonDistributable } = request;
  const { pool, store } = await openPoolImages(request.pool, context);
  const choose = (all: readonly StoredImage[]): readonly StoredImage[] => findRepositories(all, images);
  await withHeldImages(store, { choose, platforms }, async (held, blobs) => {
    const exported = joinNames(held);
    const write = async (sink: ByteSink): Promise<number> => {
      await writeImages(exported, sink, { blobs, manifestJson, skipNonDistributable, progress: context.progress });
      return sink.offset;
    };
    const bytes = await writeArchive(request, { write, pool, context });
    const written = exported.map(({ names, target: { digest, mediaType } }) => ({ names, digest, mediaType }));
    const about = { verb: "image export", pool: pool.name, archive: pathOrNull(request.archive) };
    context.results.set({ ...about, bytes, images: written, ...context.results.common() });
  });
}

/** One image for each digest. @throws ToolError for one that cannot be read */
function joinNames(held: readonly HeldImage[]): ExportedImage[] {
  const images = new Map<string, ExportedImage>();
  for (const item of held) {
    if ("problem" in item) throw item.problem;
    const { target, name } = item.image;
    const names = [...(images.get(target.digest)?.names ?? []), ...(name === undefined ? [] : [name])];
    images.set(target.digest, { target, names, tree: item.tree });
  }
  return [...images.values()];
}

async function writeArchive(
  { archive, force }: Request,
  { write, pool, context }: { write: (sink: ByteSink) => Promise<number>; pool: Pool; context: Context },
): Promise<number> {
  const { signal } = context;
  if (archive === "-") return await write(await openStdout(signal));
  const special = openSpecialFile(archive, signal);
  if (special !== undefined) return await write(special);
  const run = new Run(pool, context.commandLine);
  const temporary = { is: "path", path: temporaryName(archive) } as const;
  run.intend(temporary);
  try {
    return await writeNewFile(archive, { temporaryPath: temporary.path, force, signal }, write);
  } finally {
    run.forget(temporary);
  }
}
