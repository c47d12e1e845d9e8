import { describe, expect, test } from "bun:test";
import { decodeManifest, encodeManifest, type Manifest } from "../../src/archive/manifest.ts";
import { ToolError } from "../../src/errors.ts";

const digest = { bytes: 3, sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" };
const MANIFEST: Manifest = {
  manifest: 1,
  tool: "ctar 0.1.0",
  container: "web01",
  texts: [{ member: "metadata.yml", ...digest }],
  streams: [
    {
      dataset: "srv",
      kind: "incremental",
      member: "rootfs/srv/incremental.dat",
      pieces: 2,
      stored: digest,
      raw: digest,
      facts: { records: 7, snapshot: "osctl-incr-2", toGuid: "18446744073709551615", fromGuid: "9007199254740993" },
    },
  ],
  datasets: [{ dataset: "", properties: { quota: "1G" } }],
};

function refusal(text: string | Uint8Array): string {
  try {
    decodeManifest(Buffer.from(text as string));
  } catch (error) {
    if (error instanceof ToolError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

describe("encodeManifest", () => {
  test("writes indented JSON, which decodeManifest reads again", () => {
    const text = encodeManifest(MANIFEST);
    expect(text).toMatch(/^\{\n  "manifest": 1,\n[^]*\n\}\n$/);
    expect(decodeManifest(Buffer.from(text))).toEqual(MANIFEST);
  });
});

describe("decodeManifest", () => {
  test("leaves a manifest of a later schema alone", () => {
    expect(decodeManifest(Buffer.from('{"manifest": 2, "texts": "elsewhere"}'))).toBeUndefined();
  });

  test.each<[string, string | Uint8Array, string]>([
    ["an empty one", "", "it is not JSON"],
    ["a cut one", encodeManifest(MANIFEST).slice(0, -3), "it is not JSON"],
    ["one with bytes that are no UTF-8", Uint8Array.of(0x22, 0xff, 0x22), "it is not JSON"],
    ["a list", "[]", "it is no manifest"],
    ["null", "null", "it is no manifest"],
    ["one without a version", "{}", "it is no manifest"],
  ])("refuses %s", (_what, text, reason) => {
    expect(refusal(text)).toBe(`damaged: Cannot read "ctar/manifest.json": ${reason}`);
  });

  test.each([
    ["texts", undefined],
    ["texts", {}],
    ["texts", [{ member: "metadata.yml", bytes: 3 }]],
    ["texts", [{ ...digest }]],
    ["texts", [null]],
    ["streams", "none"],
    ["streams", [{ member: "rootfs/base.dat", stored: digest }]],
    ["streams", [{ stored: digest, raw: digest }]],
    ["streams", [{ member: "rootfs/base.dat", stored: digest, raw: { ...digest, bytes: "3" } }]],
    ["streams", [{ member: "rootfs/base.dat", stored: digest, raw: { bytes: 3, sha257: digest.sha256 } }]],
    ["datasets", undefined],
    ["datasets", [null]],
    ["datasets", [{ dataset: "", properties: "none" }]],
  ])("refuses %s that are %j", (field, value) => {
    const text = JSON.stringify({ ...MANIFEST, [field]: value });
    expect(refusal(text)).toBe('damaged: Cannot read "ctar/manifest.json": fields are missing or of the wrong type');
  });
});
