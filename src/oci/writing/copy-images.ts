/** Images of one archive as another: every blob as it is, so that manifests, configurations and layers keep their digests. */
import { ToolError } from "../../errors.ts";
import { drain, type ByteSink } from "../../stream/bytes.ts";
import { chooseImage, isCalled, type ImageChoice } from "../choose-image.ts";
import type { Digest } from "../digest.ts";
import type { ImageArchive, Target } from "../image.ts";
import { writeImages, type ExportedImage } from "../store/export.ts";
import { isThere } from "../store/image-tree.ts";
import { readChosenTree } from "../store/platform-choice.ts";
import { NAME_ANNOTATION, REF_NAME_ANNOTATION, withAnnotations } from "../store/stored-image.ts";

/** Which images, and how they are written. */
export interface CopyOptions extends ImageChoice {
  /** In full; those that an image has if there are none. */
  readonly names: readonly string[];
  /** Whether Docker is to be able to read it. */
  readonly manifestJson: boolean;
  /** Whether layers are decompressed to see that they are what their diffIDs say. */
  readonly verify: boolean;
}

/**
 * Copies images: all of them, or the one that is chosen, which is for one platform if one is asked for.
 *
 * @returns what was copied
 * @throws ToolError damaged; usage, not-found for a choice that is none
 */
export async function copyImages(archive: ImageArchive, sink: ByteSink, options: CopyOptions): Promise<readonly Target[]> {
  const targets = named(chooseTargets(archive, options), options.names);
  const images: ExportedImage[] = [];
  for (const target of targets) images.push(...(await exportedAs(target, archive)));
  if (options.verify) await checkDiffIds(archive, images);
  await writeImages(images, sink, { blobs: archive.blobs, manifestJson: options.manifestJson, skipNonDistributable: false });
  return targets;
}

function chooseTargets({ targets, images }: ImageArchive, { reference, platform }: ImageChoice): readonly Target[] {
  if (reference === undefined && platform === undefined) return targets;
  if (platform === undefined) {
    const called = targets.filter((target) => isCalled({ ...target, digests: [target.descriptor.digest] }, reference ?? ""));
    if (called.length > 0) return called;
  }
  const { manifest, platform: own, references, tags } = chooseImage(images, { reference, platform });
  return [{ descriptor: { ...manifest.descriptor, platform: own }, references, tags }];
}

function named(targets: readonly Target[], names: readonly string[]): readonly Target[] {
  if (names.length === 0) return targets;
  if (targets.length === 1) return targets.map((target) => ({ ...target, references: names, tags: [] }));
  throw new ToolError("usage", `Cannot name ${targets.length} images alike`, { hints: ["Choose one with --image"] });
}

/** A target under its names; one for each that is no more than a tag, as only layouts have such names. */
async function exportedAs({ descriptor, references, tags }: Target, { blobs, images }: ImageArchive): Promise<ExportedImage[]> {
  const tree = await readChosenTree(descriptor, "there", {
    blobs,
    isThere: async (manifest) => await isThere(manifest, blobs),
    platformOf: ({ digest, platform }) => images.find(({ manifest }) => manifest.descriptor.digest === digest)?.platform ?? platform,
  });
  const { [REF_NAME_ANNOTATION]: _tag, [NAME_ANNOTATION]: _name, ...annotations } = descriptor.annotations ?? {};
  const target = withAnnotations(descriptor, annotations);
  const tagged = tags.map((tag) => ({ target: withAnnotations(target, { ...annotations, [REF_NAME_ANNOTATION]: tag }), names: [], tree }));
  return references.length > 0 || tagged.length === 0 ? [{ target, names: references, tree }, ...tagged] : tagged;
}

/** Layers that are compressed; those that are not have been checked when they have been copied. */
async function checkDiffIds(archive: ImageArchive, copied: readonly ExportedImage[]): Promise<void> {
  const digests = new Set<Digest>(copied.flatMap(({ tree }) => tree.manifests.map(({ descriptor }) => descriptor.digest)));
  const layers = archive.images.filter(({ manifest }) => digests.has(manifest.descriptor.digest)).flatMap((image) => image.layers);
  const distinct = new Map(layers.map((layer) => [`${layer.descriptor.digest} ${layer.diffId}`, layer]));
  for (const layer of distinct.values()) {
    const { digest } = layer.descriptor;
    if (digest !== layer.diffId && archive.blobs.find(digest) !== undefined) await drain(layer.open());
  }
}
