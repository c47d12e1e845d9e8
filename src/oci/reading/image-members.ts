/**
 * What the members of a tar with images in it are called, by which it is told from other tars before any of it has been read:
 *
 *     oci-layout  index.json  blobs/<algorithm>/<hex>        layouts
 *     manifest.json  <hex>.json  <hex>.tar  <hex>/layer.tar  docker-archives of docker, podman and skopeo
 *     sha256:<hex>  <hex>.tar.gz                             those of go-containerregistry and kaniko
 *     repositories  <hex>/json                               Docker before 1.10
 */

/** Members that are JSON by their names. */
export const IMAGE_TEXTS: ReadonlySet<string> = new Set(["oci-layout", "index.json", "manifest.json", "repositories"]);

const CONTENT = /^(?:blobs\/sha(?:256|512)(?:\/.*)?|(?:sha256:)?[0-9a-f]{64}(?:\.json|\.tar|\.tar\.gz|\/.*)?)$/;

/** Whether images have a member of that name. @param name without `./` in front and `/` at the end */
export function isImageMember(name: string): boolean {
  return IMAGE_TEXTS.has(name) || CONTENT.test(name);
}
