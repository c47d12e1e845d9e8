/**
 * The names that `manifest.json` has for images of an OCI layout, as far as `index.json` does not use them: Docker 25 and later write both files,
 * and not every writer names an image in both. An image is known there by its configuration and layers.
 */
import type { Image } from "../image.ts";
import { joinNames, type Contents } from "./contents.ts";
import type { StoredFiles } from "./files.ts";
import type { JsonReader } from "./json-reader.ts";
import { digestInPath, DOCKER_MANIFEST, readDockerManifest } from "./read-docker.ts";

/** Adds the names, if there are any. @throws ToolError damaged */
export async function addDockerNames(contents: Contents, files: StoredFiles, texts: JsonReader): Promise<Contents> {
  if (files.find(DOCKER_MANIFEST) === undefined) return contents;
  const taken = new Set(contents.targets.flatMap(({ references }) => references));
  const names = new Map<string, string[]>();
  for (const { config, layers, references } of await readDockerManifest(files, texts)) {
    const key = [config, ...layers].map(digestInPath).join(" ");
    names.set(key, [...(names.get(key) ?? []), ...references.filter((reference) => !taken.has(reference))]);
  }
  const images = contents.images.map((image) => ({
    ...image,
    ...joinNames(image, { references: names.get(keyOf(image)) ?? [], tags: [] }),
  }));
  const byManifest = new Map(images.map((image) => [image.manifest.descriptor.digest, image]));
  const targets = contents.targets.map((target) => ({
    ...target,
    ...joinNames(target, byManifest.get(target.descriptor.digest) ?? target),
  }));
  return { ...contents, images, targets };
}

function keyOf({ config, manifest }: Image): string {
  return [config.digest, ...manifest.layers.map(({ digest }) => digest)].join(" ");
}
