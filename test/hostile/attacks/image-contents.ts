/** Images of which something is missing, or is not what it is said to be. */
import { configOf, dockerEntries, DOCKER, json, OCI, sha256 } from "../../support/oci.ts";
import { tar, type Entry } from "../craft.ts";
import type { ImageAttack } from "../image-attack.ts";
import {
  ABSENT,
  configWith,
  disguised,
  dockerWith,
  flipped,
  GZIPPED,
  indexOf,
  layoutWith,
  listedAs,
  LOWER,
  manifestWith,
  MARKER,
  NOWHERE,
  pathOf,
  ZSTD,
} from "../image-craft.ts";

const PLAIN_BYTES = LOWER.stored.length;

/** The attacks. */
export const IMAGE_CONTENTS: readonly ImageAttack[] = [
  { name: "a layout without index.json", says: '"index.json" is missing', make: () => tar(MARKER) },
  {
    name: "a manifest that is missing",
    says: `manifest "${ABSENT.digest}" is missing`,
    make: () => indexOf({ schemaVersion: 2, manifests: [ABSENT] }),
  },
  {
    name: "an index none of whose manifests is there",
    says: `manifest "${ABSENT.digest}" is missing`,
    make: () => layoutWith((layout) => layout.name(layout.index([ABSENT]))),
  },
  {
    name: "a configuration that is missing",
    says: "configuration",
    make: () => layoutWith((layout, { config }) => layout.files.delete(pathOf(config))),
  },
  {
    name: "a layer that is missing",
    says: `layer "${sha256(GZIPPED.stored)}" is missing`,
    make: () => layoutWith((layout) => layout.files.delete(pathOf(GZIPPED.stored))),
  },
  {
    name: "a docker-archive whose layer is missing",
    says: '"x/layer.tar" is missing, which "manifest.json", image 1 names',
    make: () => dockerWith({ Layers: ["x/layer.tar"] }),
  },
  { name: "a docker-archive whose configuration is missing", says: '"x.json" is missing', make: () => dockerWith({ Config: "x.json" }) },
  {
    name: "a docker-archive with a layer too few",
    says: "it has 0 layers, its configuration 1",
    make: () => dockerWith({ Layers: [] }),
  },
  {
    name: "a manifest with a layer too many",
    says: "it has 2 layers, its configuration 1",
    make: () => layoutWith((layout) => layout.name(layout.image([LOWER, GZIPPED], configOf([LOWER])).descriptor)),
  },
  {
    name: "a configuration with a diffID too many",
    says: "it has 2 layers, its configuration 3",
    make: () => configWith({ rootfs: { type: "layers", diff_ids: [LOWER, GZIPPED, ZSTD].map((layer) => sha256(layer.tar)) } }),
  },
  {
    name: "a configuration without diffIDs",
    says: "it has 2 layers, its configuration 0",
    make: () => configWith({ rootfs: { type: "layers" } }),
  },
  { name: "a configuration without a root filesystem", says: '"rootfs" is missing', make: () => configWith({ rootfs: undefined }) },
  {
    name: "a manifest with another digest",
    says: "its digest is",
    make: () => layoutWith((layout, { manifest }) => layout.files.set(pathOf(json(manifest)), flipped(json(manifest), 20))),
  },
  {
    name: "a configuration with another digest",
    says: "its digest is",
    make: () => layoutWith((layout, { config }) => layout.files.set(pathOf(config), flipped(config, 5))),
  },
  {
    name: "a layer with another digest",
    says: `blob "${sha256(LOWER.stored)}": its digest is`,
    make: () => layoutWith((layout) => layout.files.set(pathOf(LOWER.stored), flipped(LOWER.stored, 600))),
  },
  {
    name: "a layer with a byte too few",
    says: `bytes instead of ${PLAIN_BYTES}`,
    make: () => layoutWith((layout) => layout.files.set(pathOf(LOWER.stored), LOWER.stored.subarray(1))),
  },
  {
    name: "a layer with a byte too many",
    says: `bytes instead of ${PLAIN_BYTES}`,
    make: () => layoutWith((layout) => layout.files.set(pathOf(LOWER.stored), Buffer.concat([LOWER.stored, Buffer.alloc(1)]))),
  },
  {
    name: "a manifest of another size",
    says: "bytes instead of 7",
    make: () => layoutWith((layout, { descriptor }) => layout.name({ ...descriptor, size: 7 })),
  },
  {
    name: "a digest of SHA-512 that is another",
    says: `blob "sha512:${NOWHERE}${NOWHERE}": its digest is`,
    make: () =>
      layoutWith((layout, { manifest, descriptor }) => {
        layout.files.set(`blobs/sha512/${NOWHERE}${NOWHERE}`, json(manifest));
        layout.name({ ...descriptor, digest: `sha512:${NOWHERE}${NOWHERE}` });
      }),
  },
  {
    name: "a gzipped layer with another diffID",
    says: `its diffID is "${sha256(GZIPPED.tar)}"`,
    make: () => manifestWith({}, [disguised(LOWER, GZIPPED.stored, GZIPPED.mediaType)]),
  },
  {
    name: "a zstd layer with another diffID",
    says: `its diffID is "${sha256(ZSTD.tar)}"`,
    make: () => manifestWith({}, [disguised(LOWER, ZSTD.stored, ZSTD.mediaType)]),
  },
  {
    name: "a plain layer with another diffID",
    says: "it is not compressed, and its diffID is",
    make: () => manifestWith({}, [disguised(GZIPPED, LOWER.stored, LOWER.mediaType)]),
  },
  {
    name: "a docker-archive with another layer",
    says: "its digest is",
    make: () => tar(...(dockerEntries([disguised(GZIPPED, LOWER.stored)]) as Entry[])),
  },
  {
    name: "a docker-archive with another configuration",
    says: `configuration "${NOWHERE}.json": its digest is`,
    make: () => dockerWith({ Config: `${NOWHERE}.json` }, [{ name: `${NOWHERE}.json`, data: json(configOf([LOWER])) }]),
  },
  {
    name: "a layer said to be gzipped that is plain",
    says: "its compression is none",
    make: () => manifestWith({}, [disguised(LOWER, LOWER.stored, GZIPPED.mediaType)]),
  },
  {
    name: "a layer said to be plain that is gzipped",
    says: "its compression is gzip",
    make: () => manifestWith({}, [disguised(GZIPPED, GZIPPED.stored, LOWER.mediaType)]),
  },
  {
    name: "a layer said to be gzipped that is zstd",
    says: "its compression is zstd",
    make: () => manifestWith({}, [disguised(ZSTD, ZSTD.stored, GZIPPED.mediaType)]),
  },
  {
    name: "a layer compressed with xz",
    says: "it is compressed with xz",
    make: () => manifestWith({}, [disguised(LOWER, Buffer.from("\xfd7zXZ\0and so on", "latin1"), `${DOCKER}.image.rootfs.diff.tar`)]),
  },
  {
    name: "a layer that is encrypted",
    says: `its media type "${OCI}.layer.v1.tar+encrypted" is none`,
    make: () => manifestWith({}, [disguised(LOWER, LOWER.stored, `${LOWER.mediaType}+encrypted`)]),
  },
  {
    name: "a layer whose gzip is cut off",
    says: 'Cannot decompress "layer sha256:',
    make: () => manifestWith({}, [disguised(GZIPPED, GZIPPED.stored.subarray(0, -9))]),
  },
  {
    name: "a layer whose gzip has garbage behind it",
    says: 'Cannot decompress "layer sha256:',
    make: () => manifestWith({}, [disguised(GZIPPED, Buffer.concat([GZIPPED.stored, Buffer.from("garbage")]))]),
  },
  {
    name: "a layer whose zstd is cut off",
    says: "it is cut off",
    make: () => manifestWith({}, [disguised(ZSTD, ZSTD.stored.subarray(0, -3))]),
  },
  {
    name: "an image for one platform that says it is for another",
    says: 'is listed as "linux/arm64", its configuration says "linux/amd64"',
    stored: { exit: 0, says: 'is listed as "linux/arm64"' },
    container: { exit: 0, says: 'is listed as "linux/arm64"' },
    make: () => listedAs({ platform: { os: "linux", architecture: "arm64" } }),
  },
  {
    name: "a layer that is elsewhere",
    says: "it is not distributed with the image",
    stored: { exit: 0, says: "is not distributed with its image" },
    make: () =>
      layoutWith((layout) => layout.files.delete(pathOf(LOWER.stored)), [{ ...LOWER, mediaType: `${OCI}.layer.nondistributable.v1.tar` }]),
  },
];
