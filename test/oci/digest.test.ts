import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { digestBytes, isDigest, parseDigest, splitDigest } from "../../src/oci/digest.ts";
import { refusalOf } from "../support/oci.ts";

const HEX = "0123456789abcdef".repeat(4);

describe("parseDigest", () => {
  test.each([`sha256:${HEX}`, `sha512:${HEX}${HEX}`])("accepts %p", (text) => {
    expect(parseDigest(text, "x")).toBe(text as never);
  });

  test.each([
    HEX,
    `sha256:${HEX.toUpperCase()}`,
    `sha256:${HEX.slice(1)}`,
    `sha256:${HEX}0`,
    `sha512:${HEX}`,
    `sha384:${HEX}${HEX.slice(32)}`,
    `md5:${HEX.slice(32)}`,
    `sha256:../../${HEX.slice(6)}`,
    `sha256:${HEX}\n`,
    `sha256:${HEX}/../x`,
    ` sha256:${HEX}`,
    "",
  ])("refuses %p", async (text) => {
    expect(isDigest(text)).toBe(false);
    expect(await refusalOf(() => parseDigest(text, '"index.json"'))).toContain('damaged: Cannot read "index.json": "');
  });
});

describe("digestBytes", () => {
  test.each(["sha256", "sha512"] as const)("takes %s", (algorithm) => {
    const digest = digestBytes(Buffer.from("abc"), algorithm);
    expect(splitDigest(digest)).toEqual({ algorithm, hex: createHash(algorithm).update("abc").digest("hex") });
  });
});
