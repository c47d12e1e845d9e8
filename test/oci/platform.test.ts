import { describe, expect, test } from "bun:test";
import { formatPlatform, normalizePlatform, parsePlatform, platformDistance } from "../../src/oci/platform.ts";
import { refusalOf } from "../support/oci.ts";

describe("parsePlatform", () => {
  // the table of containerd's TestParseSelector and TestNormalize
  test.each([
    ["linux/amd64", "linux/amd64"],
    ["LINUX/X86_64", "linux/amd64"],
    ["linux/x86-64/v1", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["linux/i386", "linux/386"],
    ["linux/aarch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm64/8", "linux/arm64"],
    ["linux/arm64/v9", "linux/arm64/v9"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/arm/6", "linux/arm/v6"],
    ["linux/armhf", "linux/arm/v7"],
    ["linux/armel", "linux/arm/v6"],
    ["linux/riscv64", "linux/riscv64"],
    ["macos/arm64", "darwin/arm64"],
    ["arm64", "linux/arm64"],
  ])("reads %p as %p", (text, expected) => {
    expect(formatPlatform(parsePlatform(text))).toBe(expected);
  });

  test.each(["", "linux/", "linux/amd64/v1/x", "linux//v7", "linux/am d64", "linux/../amd64"])("refuses %p", async (text) => {
    expect(await refusalOf(() => parsePlatform(text))).toContain("usage: Cannot use platform");
  });
});

describe("normalizePlatform", () => {
  test("keeps the version of the operating system", () => {
    const platform = { os: "windows", architecture: "amd64", osVersion: "10.0.17763.1", osFeatures: ["win32k"] };
    expect(normalizePlatform(platform)).toEqual(platform);
  });

  test("gives what it is given again", () => {
    for (const text of ["arm", "armel", "arm64/v9", "amd64/v2", "386"]) {
      const platform = parsePlatform(text.includes("/") ? `linux/${text}` : text);
      expect(normalizePlatform(platform)).toEqual(platform);
    }
  });
});

describe("formatPlatform", () => {
  test("shows nothing that a terminal acts on", () => {
    expect(formatPlatform({ os: "li\u001b[2Jnux", architecture: "" })).toBe("li\\x1b[2Jnux/unknown");
  });
});

describe("platformDistance", () => {
  // the order of containerd's platformVector
  test.each([
    ["linux/amd64/v3", ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386"]],
    ["linux/amd64", ["linux/amd64", "linux/386"]],
    ["linux/arm64", ["linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]],
    ["linux/arm/v7", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"]],
  ])("prefers for %p what is nearest", (wanted, order) => {
    const distances = order.map((made) => platformDistance(parsePlatform(made), parsePlatform(wanted)));
    expect(distances[0]).toBe(0);
    expect(distances).toEqual(distances.toSorted((a, b) => Number(a) - Number(b)));
    expect(new Set(distances).size).toBe(order.length);
    expect(distances.includes(undefined)).toBe(false);
  });

  test.each([
    ["windows/amd64", "linux/amd64"],
    ["linux/arm64", "linux/amd64"],
    ["linux/amd64/v3", "linux/amd64"],
    ["linux/arm/v7", "linux/arm/v6"],
    ["linux/arm64", "linux/arm"],
    ["linux/ppc64le/power9", "linux/ppc64le/power8"],
    ["linux/arm/v7", "linux/386"],
  ])("says that %p does not run on %p", (made, wanted) => {
    expect(platformDistance(parsePlatform(made), parsePlatform(wanted))).toBe(undefined);
  });
});
