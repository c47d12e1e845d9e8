/** What `import` makes a container of that is no archive of ours: an image, or a root filesystem alone. */
import * as path from "node:path";
import type { ImportedRoot } from "../../archive/import-root.ts";
import { containerIdFrom } from "../../config/names.ts";
import { chooseImage } from "../../oci/choose-image.ts";
import type { Image, ImageArchive } from "../../oci/image.ts";
import { filesOfImage } from "../../oci/layers/image-files.ts";
import { checkRunsHere, initCommand, notesOf } from "../../oci/new-container.ts";
import { PassingRoot } from "../../oci/passing-root.ts";
import { formatPlatform, hostPlatform, parsePlatform } from "../../oci/platform.ts";
import { openImages } from "../../oci/reading/open-images.ts";
import { parseReference } from "../../oci/reference.ts";
import type { Progress } from "../../stream/progress.ts";
import { displayName } from "../../stream/tar/display-name.ts";
import { filesOfTar, type EntryFiles } from "../../tree/entry-files.ts";
import type { Context } from "../context.ts";
import { imageChoice, imageReading, refuseImageChoice, type ImageArguments, type Subject } from "../inputs/subject.ts";

/** What is asked for. */
export interface RootArguments extends ImageArguments {
  archive: string;
  spoolDir?: string | undefined;
  verify: boolean;
}

/** A root filesystem that is open, to be disposed of. */
export interface OpenedRoot extends AsyncDisposable {
  readonly id: string | undefined;
  readonly files: EntryFiles;
  readonly passing: PassingRoot;
  /** Rows to show, and what scripts are told. */
  readonly rows: readonly (readonly [label: string, value: string])[];
  readonly facts: object;
  /** What it is, for people. */
  readonly what: string;
}

const EXTENSIONS = /(?:\.(?:tar|tgz|tzst|gz|zst|zstd|oci|docker))+$/i;

/** Opens an input that is no archive. @throws ToolError */
export async function openRoot(subject: Subject, args: RootArguments, context: Context): Promise<OpenedRoot> {
  if (subject.kind !== "images") return openRootfs(subject, args);
  const archive = await openImages(subject.input, subject.name, imageReading(args.spoolDir, context));
  try {
    return openImage(archive, args, context);
  } catch (error) {
    await archive.close();
    throw error;
  }
}

/** What the archive room imports. */
export function importedRoot({ id, files, passing }: OpenedRoot): ImportedRoot {
  return { id, files, watch: (entries) => passing.watch(entries), config: () => passing.config() };
}

function openRootfs({ input, name }: Extract<Subject, { kind: "archive" | "rootfs" }>, args: RootArguments): OpenedRoot {
  refuseImageChoice({ image: args.image });
  const platform = args.platform === undefined ? hostPlatform() : parsePlatform(args.platform);
  return {
    id: idOfFile(args),
    files: filesOfTar(input, name, { needsEnd: args.verify }),
    passing: new PassingRoot({ platform, image: undefined }),
    rows: [["format", "rootfs"], ["platform", formatPlatform(platform)]], // prettier-ignore
    facts: { origin: "rootfs", platform: formatPlatform(platform) },
    what: "a root filesystem",
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
}

function openImage(archive: ImageArchive, args: RootArguments, context: Context): OpenedRoot {
  const image = chooseImage(archive.images, imageChoice(args));
  const { config, layers } = image;
  checkRunsHere(config);
  for (const note of [...archive.notes, ...notesOf(config)]) context.tell("note", note);
  const [name, platform] = [nameOf(image), formatPlatform(image.platform)];
  const command = displayName(Buffer.from(initCommand(config.run)?.join(" ") ?? "-"));
  return {
    id: idOfImage(image) ?? idOfFile(args),
    files: filesWhenOpened(image, context.progress),
    passing: new PassingRoot({ platform: image.platform, image: config }),
    rows: Object.entries({ format: "image", image: name, platform, layers: `${layers.length}`, command }),
    facts: { origin: "image", platform, image: { names: [...image.references, ...image.tags], digest: image.manifest.descriptor.digest, layerCount: layers.length } }, // prettier-ignore
    what: `image ${name} for ${platform}`,
    [Symbol.asyncDispose]: async () => await archive.close(),
  };
}

/** The files of an image, whose layers are read when these are asked for: their headers once, and then what is left of them. */
export function filesWhenOpened(image: Image, progress: Progress): EntryFiles {
  const total = image.layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  let files: EntryFiles | undefined;
  return {
    kind: "entries",
    isReopenable: true,
    open: async () => {
      if (files === undefined) {
        progress.plan([total, total]);
        progress.begin({ phase: "layers" });
        files = await filesOfImage(image);
      }
      progress.begin({ phase: "files", total });
      return await files.open();
    },
  };
}

function nameOf({ references, tags, manifest }: Image): string {
  return references[0] ?? tags[0] ?? manifest.descriptor.digest;
}

/** The last part of the image's name. */
function idOfImage({ references: [reference] }: Image): string | undefined {
  return reference === undefined ? undefined : containerIdFrom(path.posix.basename(parseReference(reference).name));
}

function idOfFile({ archive }: RootArguments): string | undefined {
  return archive === "-" ? undefined : containerIdFrom(path.basename(path.resolve(archive)).replace(EXTENSIONS, ""));
}
