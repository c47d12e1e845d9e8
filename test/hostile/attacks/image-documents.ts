/** Images whose JSON means one thing to one reader and another to the next, leads elsewhere, or is too much. */
import { configOf, DOCKER, json, type ImageSketch, type LayoutSketch, type RawDescriptor } from "../../support/oci.ts";
import { entry, tar, type Entry } from "../craft.ts";
import type { ImageAttack } from "../image-attack.ts";
import {
  ABSENT,
  configWith,
  dockerWith,
  GZIPPED,
  INDEX_TYPE,
  indexOf,
  layoutWith,
  listedAs,
  LOWER,
  MANIFEST_TYPE,
  manifestWith,
  MARKER,
  NOWHERE,
} from "../image-craft.ts";

const GIB = 1024 ** 3;
const ESCAPES = "\u001B]0;owned\u0007\u001B[2J\r\nhint: forged";

function sized(size: unknown): ImageAttack {
  const name = `a manifest whose size is ${JSON.stringify(size) ?? "missing"}`;
  return { name, says: size === undefined ? '"size" is missing' : '"size" is not a whole number', make: () => listedAs({ size }) };
}

function digested(name: string, digest: string, says: string): ImageAttack {
  return { name: `a digest that is ${name}`, says, make: () => indexOf({ schemaVersion: 2, manifests: [{ ...ABSENT, digest }] }) };
}

/** The attacks. */
export const IMAGE_DOCUMENTS: readonly ImageAttack[] = [
  // what means one thing to one reader and another to the next
  { name: "a manifest that is an index, too", says: 'which has no "manifests"', make: () => manifestWith({ manifests: [] }) },
  {
    name: "an index that is a manifest, too",
    says: 'which has no "layers"',
    make: () => layoutWith((layout, { manifest, descriptor }) => layout.name(layout.index([descriptor], { layers: manifest["layers"] }))),
  },
  {
    name: "a manifest that says it is an index",
    says: `it says it is "${INDEX_TYPE}"`,
    make: () => layoutWith((layout, { manifest }) => layout.name(layout.add(json({ ...manifest, mediaType: INDEX_TYPE }), MANIFEST_TYPE))),
  },
  {
    name: "an index listed as a manifest",
    says: `it says it is "${INDEX_TYPE}"`,
    make: () => layoutWith((layout, { descriptor }) => layout.name({ ...layout.index([descriptor]), mediaType: MANIFEST_TYPE })),
  },
  {
    name: "a layer listed as a manifest",
    says: "it is no JSON",
    make: () => layoutWith((layout) => layout.name(layout.add(LOWER.stored, MANIFEST_TYPE))),
  },
  {
    name: "a manifest with a key that comes twice",
    says: 'the key "layers" comes twice',
    make: () =>
      layoutWith((layout, { manifest }) =>
        layout.name(layout.add(Buffer.from(JSON.stringify(manifest).replace("{", '{"layers":[],')), MANIFEST_TYPE)),
      ),
  },
  {
    name: "a key that comes twice, written in two ways",
    says: 'the key "layers" comes twice',
    make: () =>
      layoutWith((layout, { manifest }) =>
        layout.name(layout.add(Buffer.from(JSON.stringify(manifest).replace("{", '{"l\\u0061yers":[],')), MANIFEST_TYPE)),
      ),
  },
  {
    name: "a manifest with a field in two cases",
    says: '"layers" is there as "layers" and "LAYERS"',
    make: () => manifestWith({ LAYERS: [] }),
  },
  {
    name: "layers in the place of a prototype",
    says: "it has 0 layers, its configuration 2",
    make: () =>
      layoutWith((layout, { manifest }) =>
        layout.name(layout.add(Buffer.from(JSON.stringify(manifest).replace('"layers":', '"__proto__":')), MANIFEST_TYPE)),
      ),
  },
  { name: "JSON that is not UTF-8", says: "it is not UTF-8", make: () => indexOf(Buffer.from('{"a":"\xff"}', "latin1")) },
  { name: "JSON with something behind it", says: "it is no JSON", make: () => indexOf(Buffer.from('{"schemaVersion":2}{}')) },
  { name: "an index that is null", says: "it is no JSON object", make: () => indexOf(Buffer.from("null")) },
  {
    name: "a list of manifests with null in it",
    says: '"manifests" 1: it is no JSON object',
    make: () => indexOf({ schemaVersion: 2, manifests: [null] }),
  },
  {
    name: "a list of manifests that is a number",
    says: '"manifests" is not a list',
    make: () => indexOf({ schemaVersion: 2, manifests: 5 }),
  },
  { name: "an index of schema version 1", says: "its schema version is not 2", make: () => indexOf({ schemaVersion: 1, manifests: [] }) },
  {
    name: "a manifest of schema version 1",
    says: "is of schema version 1",
    make: () => layoutWith((layout) => layout.name({ ...ABSENT, mediaType: `${DOCKER}.distribution.manifest.v1+prettyjws` })),
  },
  {
    name: "a layout of another version",
    says: 'it is of version "2.0.0"',
    make: () => layoutWith((layout) => layout.files.set("oci-layout", json({ imageLayoutVersion: "2.0.0" }))),
  },
  {
    name: "a configuration that is a list",
    says: "it is no JSON object",
    make: () => dockerWith({ Config: "x" }, [{ name: "x", data: "[]" }]),
  },
  {
    name: "a diffID that is none",
    says: "is no digest",
    make: () => configWith({ rootfs: { type: "layers", diff_ids: ["sha256:../../x", "x"] } }),
  },
  { name: "a command that is a number", says: '"Cmd" is not a list of texts', make: () => configWith({ config: { Cmd: 5 } }) },
  sized(-1),
  sized(1.5),
  sized(1e30),
  sized("512"),
  sized(undefined),
  // what leads elsewhere
  digested("a path", "sha256:../../../etc/passwd", '"sha256:../../../etc/passwd" is no digest'),
  digested("a path for an algorithm", `../../x:${NOWHERE}`, "is no digest"),
  digested("of another algorithm", `md5:${NOWHERE}`, "is no digest"),
  digested("in capitals", `sha256:${"AB".repeat(32)}`, "is no digest"),
  digested("too short", "sha256:00", '"sha256:00" is no digest'),
  digested("followed by a line", `sha256:${NOWHERE}\n`, "is no digest"),
  {
    name: "a layer path that leaves",
    says: 'the path "../../etc/passwd" leaves the archive',
    make: () => dockerWith({ Layers: ["../../etc/passwd"] }),
  },
  {
    name: "a layer path that is absolute",
    says: 'the path "/etc/passwd" leaves the archive',
    make: () => dockerWith({ Layers: ["/etc/passwd"] }),
  },
  {
    name: "a configuration path that leaves",
    says: 'the path "a/../../b" leaves the archive',
    make: () => dockerWith({ Config: "a/../../b" }),
  },
  { name: "a name that is a path", says: '"../../x:1" is no image name', make: () => dockerWith({ RepoTags: ["../../x:1"] }) },
  { name: "a name with control characters", says: "is no image name", make: () => dockerWith({ RepoTags: [`app${ESCAPES}:1`] }) },
  {
    name: "annotations with control characters",
    says: "",
    stored: { exit: 0, says: "" },
    container: { exit: 0, says: "" },
    make: () => listedAs({ annotations: { "org.opencontainers.image.ref.name": `app${ESCAPES}`, [ESCAPES]: ESCAPES } }),
  },
  {
    name: "a media type with control characters",
    says: "is said to be",
    container: { exit: 10, says: "Cannot find an image" },
    make: () => listedAs({ mediaType: `application/${ESCAPES}` }),
  },
  {
    name: "a platform with control characters",
    says: "is listed as",
    stored: { exit: 0, says: "is listed as" },
    container: { exit: 0, says: "is listed as" },
    make: () => listedAs({ platform: { os: ESCAPES, architecture: ESCAPES } }),
  },
  // what has no end
  {
    name: "an index that lists itself",
    says: "its digest is",
    make: () => layoutWith(selfListing),
  },
  { name: "indexes in one another", says: "it is nested deeper than 8", make: () => layoutWith(nested) },
  { name: "indexes that list more than can be", says: "the indexes list more than 20000", make: () => layoutWith(explosive) },
  {
    name: "an index.json with 100,000 entries",
    says: "Cannot read",
    make: () => indexOf({ schemaVersion: 2, manifests: Array.from({ length: 100_000 }, () => ABSENT) }),
  },
  {
    name: "an old image that is its own parent",
    says: "it is its own parent",
    make: () => legacyOf([[NOWHERE, NOWHERE]]),
  },
  {
    name: "old images that are each other's parents",
    says: "its own parent",
    make: () =>
      legacyOf([
        [NOWHERE, "11".repeat(32)],
        ["11".repeat(32), NOWHERE],
      ]),
  },
  {
    name: "an old image that is another",
    says: `"${NOWHERE}/json": its id is "x"`,
    make: () => tar({ name: `${NOWHERE}/json`, data: json({ id: "x" }) }, { name: `${NOWHERE}/layer.tar`, data: LOWER.tar }),
  },
  { name: "JSON nested without an end", says: "it is nested deeper than 64", make: () => indexOf(Buffer.from("[".repeat(1_000_000))) },
  {
    name: "JSON with too many values",
    says: "it has more than 500000 values",
    make: () => indexOf(Buffer.from(`{"a":[${"0,".repeat(600_000)}0]}`)),
  },
  {
    name: "JSON with a text of backslashes",
    says: "it is no JSON",
    make: () => indexOf(Buffer.from(`{"a":"${'\\"'.repeat(3_000_000)}`)),
  },
  {
    name: "a configuration of 4 MiB for each of 20 images",
    says: "have more than 33554432 bytes together",
    make: () => dockerRepeating(4, 20),
  },
  {
    name: "a configuration of 9 MiB",
    says: "more than 8388608",
    make: () => configWith({ padding: "x".repeat(9 * 1024 * 1024) }),
  },
  {
    name: "a manifest with 20,000 layers",
    says: "it has more than 1000 layers",
    make: () => {
      const layers = Array.from({ length: 20_000 }, () => GZIPPED);
      return layoutWith(
        (layout) => {
          layout.manifests.length = 0;
          layout.name(layout.image(layers, configOf(layers)).descriptor);
        },
        [GZIPPED],
      );
    },
  },
  {
    name: "an index.json of 1 GiB",
    says: `"index.json": it has ${GIB} bytes, more than 8388608`,
    stream: function* () {
      yield tar(MARKER).subarray(0, 1024);
      yield* longText("index.json");
    },
  },
  {
    name: "a manifest.json of 1 GiB",
    says: `"manifest.json": it has ${GIB} bytes, more than 8388608`,
    stream: () => longText("manifest.json"),
  },
];

/** A member of 1 GiB, which is one list of numbers, and the end of the archive. */
function* longText(name: string): Generator<Uint8Array> {
  yield entry({ name, size: GIB }).subarray(0, 512);
  const numbers = Buffer.alloc(1024 * 1024, "0,");
  for (let left = GIB; left > 0; left -= numbers.length) yield numbers;
  yield Buffer.alloc(1024);
}

function legacyOf(layers: readonly (readonly [id: string, parent: string])[]): Buffer {
  return tar(
    ...layers.flatMap(([id, parent]): Entry[] => [
      { name: `${id}/json`, data: json({ id, parent }) },
      { name: `${id}/layer.tar`, data: LOWER.tar },
    ]),
    { name: "repositories", data: json({ app: { 1: NOWHERE } }) },
  );
}

function nested(layout: LayoutSketch, { descriptor }: ImageSketch): void {
  let index = descriptor;
  for (let depth = 0; depth < 10; depth++) index = layout.index([index]);
  layout.name(index);
}

/** No text has its own digest in it, so one that lists itself is not what it is called. */
function selfListing(layout: LayoutSketch): void {
  const own: RawDescriptor = { mediaType: INDEX_TYPE, digest: `sha256:${NOWHERE}`, size: 0 };
  const text = (size: number): Buffer => json({ schemaVersion: 2, manifests: [{ ...own, size }] });
  const size = text(100).length;
  layout.files.set(`blobs/sha256/${NOWHERE}`, text(size));
  layout.name({ ...own, size });
}

/** Seven indexes, each listing the next ten times: ten million images. */
function explosive(layout: LayoutSketch, { descriptor }: ImageSketch): void {
  let index = descriptor;
  for (let depth = 0; depth < 7; depth++) index = layout.index(Array.from({ length: 10 }, () => index));
  layout.name(index);
}

/** An archive in which many images have one configuration, which is large. */
function dockerRepeating(megabytes: number, count: number): Buffer {
  const config = json({ ...configOf([]), padding: "x".repeat(megabytes * 1024 * 1024) });
  const images = Array.from({ length: count }, () => ({ Config: "config.json", RepoTags: [], Layers: [] }));
  return tar({ name: "manifest.json", data: json(images) }, { name: "config.json", data: config });
}
