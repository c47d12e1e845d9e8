/**
 * Which images of a store a person means: by a name, written out or not, `alpine`, `docker.io/library/alpine:latest`; by the digest, whole or its
 * beginning, `sha256:0f3e…`, `0f3e`, which stands for every name that the image has.
 */
import { ToolError } from "../../errors.ts";
import { normalizeReference, parseReference } from "../reference.ts";
import type { StoredImage } from "./stored-image.ts";

const DIGEST_START = /^(?:sha256:|sha512:)?([0-9a-f]{4,128})$/;

/** The images that one text means, at least one. @throws ToolError not-found, usage (two images have digests that begin so) */
export function findImages(images: readonly StoredImage[], text: string): StoredImage[] {
  const name = normalizeReference(text);
  const named = images.filter((image) => image.name === text || (name !== undefined && image.name === name));
  const found = named.length > 0 ? named : findByDigest(images, text);
  if (found.length > 0) return found;
  throw new ToolError("not-found", `Cannot find image "${text}": there is none of that name`, { hints: ["ctar image ls"] });
}

/** Like {@link findImages}, but a name without a tag means all images of that repository, as for `docker save`. */
export function findRepositories(images: readonly StoredImage[], texts: readonly string[]): StoredImage[] {
  const found = texts.flatMap((text) => {
    const repository = isBare(text) ? repositoryOf(text) : undefined;
    const ofRepository = images.filter(({ name }) => repository !== undefined && name !== undefined && repositoryOf(name) === repository);
    return ofRepository.length > 0 ? ofRepository : findImages(images, text);
  });
  return [...new Set(found)];
}

function findByDigest(images: readonly StoredImage[], text: string): StoredImage[] {
  const start = DIGEST_START.exec(text)?.[1];
  if (start === undefined) return [];
  const found = images.filter(({ target }) => target.digest.split(":")[1]?.startsWith(start) === true);
  const digests = new Set(found.map(({ target }) => target.digest));
  if (digests.size < 2) return found;
  throw new ToolError("usage", `Cannot choose an image: the digests of ${digests.size} begin with "${start}"`, { hints: [...digests] });
}

/** Whether a name says neither tag nor digest. */
function isBare(text: string): boolean {
  return !text.includes("@") && text.lastIndexOf(":") <= text.lastIndexOf("/");
}

function repositoryOf(text: string): string | undefined {
  return normalizeReference(text) === undefined ? undefined : parseReference(text).name;
}
