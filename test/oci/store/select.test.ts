import { describe, expect, test } from "bun:test";
import { ToolError } from "../../../src/errors.ts";
import { findImages, findRepositories } from "../../../src/oci/store/select.ts";
import type { StoredImage } from "../../../src/oci/store/stored-image.ts";

const A = `sha256:${"cafe".repeat(16)}`;
const B = `sha256:${"cafd".repeat(16)}`;

function image(name: string | undefined, digest: string): StoredImage {
  const target = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: digest as StoredImage["target"]["digest"], size: 1 };
  return { name, target, absent: [] };
}

const IMAGES = [
  image("docker.io/library/alpine:3.20", A),
  image("docker.io/library/alpine:latest", A),
  image("docker.io/library/alpine:edge", B),
  image("registry.example:5000/team/app:1", B),
  image(undefined, B),
];

function names(images: readonly StoredImage[]): string[] {
  return images.map(({ name }) => name ?? "-");
}

describe("findImages", () => {
  test.each([
    ["alpine", ["docker.io/library/alpine:latest"]],
    ["alpine:edge", ["docker.io/library/alpine:edge"]],
    ["docker.io/library/alpine:3.20", ["docker.io/library/alpine:3.20"]],
    ["registry.example:5000/team/app:1", ["registry.example:5000/team/app:1"]],
    [A, ["docker.io/library/alpine:3.20", "docker.io/library/alpine:latest"]],
    ["cafd", ["docker.io/library/alpine:edge", "registry.example:5000/team/app:1", "-"]],
    ["sha256:cafdca", ["docker.io/library/alpine:edge", "registry.example:5000/team/app:1", "-"]],
  ])("%s", (text, expected) => {
    expect(names(findImages(IMAGES, text))).toEqual(expected);
  });

  test.each([
    ["caf", "not-found"],
    ["alpine:none", "not-found"],
    ["app", "not-found"],
    ["sha256:caf", "not-found"],
    ["Alpine", "not-found"],
    ["../../etc", "not-found"],
  ])("%s is %s", (text, code) => {
    expect(codeOf(() => findImages(IMAGES, text))).toBe(code);
  });

  test("does not choose between two digests", () => {
    const images = [image(undefined, `sha256:${"cafe1".padEnd(64, "0")}`), image(undefined, `sha256:${"cafe2".padEnd(64, "0")}`)];
    expect(codeOf(() => findImages(images, "cafe"))).toBe("usage");
  });
});

describe("findRepositories", () => {
  test.each([
    [["alpine"], ["docker.io/library/alpine:3.20", "docker.io/library/alpine:latest", "docker.io/library/alpine:edge"]],
    [["alpine:latest"], ["docker.io/library/alpine:latest"]],
    [["registry.example:5000/team/app"], ["registry.example:5000/team/app:1"]],
    [
      ["alpine:edge", "alpine"],
      ["docker.io/library/alpine:edge", "docker.io/library/alpine:3.20", "docker.io/library/alpine:latest"],
    ],
  ])("%j", (texts, expected) => {
    expect(names(findRepositories(IMAGES, texts))).toEqual(expected);
  });
});

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof ToolError ? error.code : String(error);
  }
}
