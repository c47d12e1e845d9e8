import { beforeAll, describe, expect, test } from "bun:test";
import { ToolError } from "../../src/errors.ts";
import { chooseImage } from "../../src/oci/choose-image.ts";
import type { Image } from "../../src/oci/image.ts";
import { hostPlatform, parsePlatform, platformDistance } from "../../src/oci/platform.ts";
import { configOf, layer, LayoutSketch, open, refusalOf } from "../support/oci.ts";

let images: readonly Image[];

beforeAll(async () => {
  const layout = new LayoutSketch();
  const parts = ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6"].map((text) => {
    const [os, architecture, variant] = text.split("/");
    const one = layer(text);
    return { ...layout.image([one], configOf([one], { os, architecture, variant })).descriptor, platform: { os, architecture, variant } };
  });
  layout.name(layout.index(parts), "docker.io/library/multi:1");
  const [alone, other] = [layer("alone"), layer("other")];
  layout.name(layout.image([alone], configOf([alone], { architecture: "s390x" })).descriptor, "quay.io/team/alone:2");
  layout.name(layout.image([other]).descriptor, "v3");
  ({ images } = await open(layout.tar()));
});

function chosen(reference?: string, platform?: string): string {
  const image = chooseImage(images, { reference, platform: platform === undefined ? undefined : parsePlatform(platform) });
  return [image.platform.architecture, image.platform.variant].filter((part) => part !== undefined).join("/");
}

describe("chooseImage", () => {
  test.each([
    ["multi:1", "linux/arm64", "arm64"],
    ["docker.io/library/multi:1", "linux/arm/v8", "arm/v7"],
    ["multi:1", "linux/arm/v6", "arm/v6"],
    ["quay.io/team/alone:2", undefined, "s390x"],
    ["quay.io/team/alone:2", "linux/s390x", "s390x"],
    ["v3", undefined, "amd64"],
    [undefined, "linux/arm/v7", "arm/v7"],
    [undefined, "linux/s390x", "s390x"],
  ])("takes by the name %p and the platform %p", (reference, platform, expected) => {
    expect(chosen(reference, platform)).toBe(expected);
  });

  test("takes by digest and by the beginning of an id", () => {
    for (const image of images) {
      const { digest } = image.manifest.descriptor;
      for (const reference of [digest, image.config.digest, `multi@${digest}`, image.config.digest.slice(7, 19), digest.slice(7)]) {
        expect(chooseImage(images, { reference })).toBe(image);
      }
    }
  });

  test("takes what runs here, of several with one name only", async () => {
    const own = images.slice(0, 4).find(({ platform }) => platformDistance(platform, hostPlatform()) === 0);
    expect(own === undefined || chooseImage(images.slice(0, 4), {}) === own).toBe(true);
    const two = [images[0], images[4]] as Image[];
    expect(await refusalOf(() => chooseImage(two, {}))).toBe("usage: Cannot choose: there are 2 images");
  });

  test("takes the only one, whatever it is for", () => {
    const foreign = images.slice(4, 5);
    expect(chooseImage(foreign, {})).toBe(foreign[0] as Image);
  });

  test.each([
    ["multi:2", undefined, 'not-found: Cannot find image "multi:2"'],
    ["v4", undefined, 'not-found: Cannot find image "v4"'],
    ["multi:1", "linux/ppc64le", "not-found: Cannot find an image for linux/ppc64le"],
    ["quay.io/team/alone:2", "linux/amd64", "not-found: Cannot find an image for linux/amd64"],
    [undefined, "linux/amd64", "usage: Cannot choose: there are 2 images"],
  ])("finds none by %p and %p", async (reference, platform, expected) => {
    expect(await refusalOf(() => chosen(reference, platform))).toBe(expected);
  });

  test("lists what there is", () => {
    let hints: readonly string[] = [];
    try {
      chosen("nothing");
    } catch (error) {
      hints = error instanceof ToolError ? error.hints : [];
    }
    expect(hints).toContain("There is quay.io/team/alone:2 for linux/s390x");
    expect(hints).toContain("There is v3 for linux/amd64");
  });
});
