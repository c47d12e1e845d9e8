import { describe, expect, test } from "bun:test";
import { readDescriptor, type Descriptor } from "../../src/oci/descriptor.ts";
import { parseDigest } from "../../src/oci/digest.ts";
import { Fields } from "../../src/oci/fields.ts";
import { makeManifest, parseIndex, parseManifest } from "../../src/oci/manifest.ts";
import { DOCKER, json, OCI, refusalOf, sha256 } from "../support/oci.ts";

const DIGEST = `sha256:${"0a".repeat(32)}`;
const CONFIG = { mediaType: `${OCI}.config.v1+json`, digest: DIGEST, size: 2 };
const MANIFEST = { schemaVersion: 2, config: CONFIG, layers: [{ mediaType: `${OCI}.layer.v1.tar`, digest: DIGEST, size: 3 }] };

function descriptorOf(raw: Buffer, mediaType = `${OCI}.manifest.v1+json`): Descriptor {
  return { mediaType, digest: parseDigest(sha256(raw), "x"), size: raw.length };
}

describe("parseManifest", () => {
  test.each([
    [MANIFEST, `${OCI}.manifest.v1+json`],
    [{ ...MANIFEST, mediaType: `${OCI}.manifest.v1+json`, annotations: { a: "b" }, unknown: 1 }, `${OCI}.manifest.v1+json`],
    [{ ...MANIFEST, mediaType: `${DOCKER}.distribution.manifest.v2+json` }, `${DOCKER}.distribution.manifest.v2+json`],
  ])("reads %j", (value, mediaType) => {
    const raw = json(value);
    const manifest = parseManifest(raw, descriptorOf(raw, mediaType));
    expect(manifest.raw).toBe(raw);
    expect(manifest.config).toEqual(CONFIG as never);
    expect(manifest.layers.map(({ size }) => size)).toEqual([3]);
  });

  test.each([
    [{ ...MANIFEST, schemaVersion: 1 }, "its schema version is not 2"],
    [{ ...MANIFEST, manifests: [] }, `which has no "manifests"`],
    [{ ...MANIFEST, Manifests: [] }, `which has no "manifests"`],
    [{ ...MANIFEST, fsLayers: [] }, `which has no "fsLayers"`],
    [{ ...MANIFEST, mediaType: `${OCI}.index.v1+json` }, `it says it is "${OCI}.index.v1+json"`],
    [{ ...MANIFEST, mediaType: "text/plain" }, 'it says it is "text/plain"'],
    [{ ...MANIFEST, Layers: [] }, '"layers" is there as "layers" and "Layers"'],
    [{ ...MANIFEST, config: undefined }, '"config" is missing'],
    [{ ...MANIFEST, config: { ...CONFIG, size: -1 } }, '"size" is not a whole number'],
    [{ ...MANIFEST, config: { ...CONFIG, size: 1.5 } }, '"size" is not a whole number'],
    [{ ...MANIFEST, config: { ...CONFIG, size: 2 ** 53 } }, '"size" is not a whole number'],
    [{ ...MANIFEST, config: { ...CONFIG, digest: "sha256:../../../etc/passwd" } }, '"sha256:../../../etc/passwd" is no digest'],
    [{ ...MANIFEST, config: { ...CONFIG, mediaType: undefined } }, '"mediaType" is missing'],
    [{ ...MANIFEST, layers: [[]] }, '"layers" 1: it is no JSON object'],
  ])("refuses %j", async (value, reason) => {
    const raw = json(value);
    expect(await refusalOf(() => parseManifest(raw, descriptorOf(raw)))).toContain(reason);
  });
});

describe("parseIndex", () => {
  const ENTRY = { mediaType: `${OCI}.manifest.v1+json`, digest: DIGEST, size: 7, platform: { os: "linux", architecture: "aarch64" } };

  test("reads an index", () => {
    const { manifests } = parseIndex(json({ schemaVersion: 2, manifests: [ENTRY] }), "x");
    expect(manifests.map(({ platform }) => platform)).toEqual([{ os: "linux", architecture: "arm64" }]);
  });

  test.each([
    [{ schemaVersion: 2, manifests: [], layers: [] }, 'which has no "layers"'],
    [{ schemaVersion: 2, manifests: [], config: {} }, 'which has no "config"'],
    [{ schemaVersion: 2, manifests: [], mediaType: `${OCI}.manifest.v1+json` }, "it says it is"],
    [{ manifests: [] }, '"schemaVersion" is missing'],
    [{ schemaVersion: 2, manifests: {} }, '"manifests" is not a list'],
    [{ schemaVersion: 2, manifests: [{ ...ENTRY, platform: "linux" }] }, '"platform": it is no JSON object'],
    [{ schemaVersion: 2, manifests: [{ ...ENTRY, annotations: { a: null } }] }, '"annotations" is not an object of texts'],
  ])("refuses %j", async (value, reason) => {
    expect(await refusalOf(() => parseIndex(json(value), '"index.json"'))).toContain(reason);
  });
});

describe("makeManifest", () => {
  test("writes what parseManifest reads", () => {
    const config = readDescriptor(new Fields(CONFIG, "x"));
    const layers = [{ ...config, mediaType: `${OCI}.layer.v1.tar`, urls: ["https://x.example/"], annotations: { a: "b" } }];
    const made = makeManifest({ config, layers });
    expect(made.descriptor).toEqual(descriptorOf(Buffer.from(made.raw)));
    expect(parseManifest(made.raw, made.descriptor)).toEqual(made);
  });
});
