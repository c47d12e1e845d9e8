/**
 * An entry of manifest.json. Names are written out in full: Docker and containerd take both, and podman would make `localhost/alpine` of
 * `alpine`. Names by digest are left out, as Docker refuses an archive that has one.
 *
 * @see moby `image/spec/spec.md`, "Combined Image JSON + Filesystem Changeset Format"
 */
import type { Manifest } from "../manifest.ts";
import { blobPath } from "./image-tar.ts";

/** The entry. */
export interface DockerImage {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

/** The entry for an image. @param names in full */
export function dockerImage({ config, layers }: Manifest, names: readonly string[]): DockerImage {
  const tags = names.filter((name) => !name.includes("@"));
  return { Config: blobPath(config.digest), RepoTags: tags, Layers: layers.map(({ digest }) => blobPath(digest)) };
}
