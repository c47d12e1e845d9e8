/** Images whose layers are whole, and hold what no root filesystem can be made of; those that are harmless are taken. */
import { configOf, LayoutSketch, OCI, sha256, type LayerSketch } from "../../support/oci.ts";
import { base256, entry, paxRecords, tar, type Entry } from "../craft.ts";
import type { ImageAttack, Outcome } from "../image-attack.ts";
import { dockerOf, GZIP_LAYER_TYPE, gzipped, gzipZeros, manifestWith, zstdZeros } from "../image-craft.ts";

const TAKEN: Outcome = { exit: 0, says: "" };
const BOMB = "bytes becomes more than 1 GiB and 250 times of that";

/** A layer with these entries, plain in a docker-archive. */
function layerOf(name: string, says: string, ...entries: (Entry | Buffer)[]): ImageAttack {
  return { name, says, make: () => dockerOf(tar(...entries)) };
}

/** A layer that is no tar. */
function layerIs(name: string, says: string, content: () => Buffer): ImageAttack {
  return { name, says, make: () => dockerOf(content()) };
}

function taken(attack: ImageAttack, container: Outcome = TAKEN): ImageAttack {
  return { ...attack, stored: TAKEN, container };
}

function link(name: string, linkname: string): Entry {
  return { name, typeflag: "2", linkname };
}

/** The attacks. */
export const IMAGE_LAYERS: readonly ImageAttack[] = [
  layerOf("an entry that climbs", 'apply "../../ctar-dropped"', { name: "../../ctar-dropped", data: "x" }),
  layerOf("an entry that climbs from within", 'apply "a/../../b"', { name: "a/", typeflag: "5" }, { name: "a/../../b", data: "x" }),
  layerOf("a hard link that climbs", 'its target "../../etc/shadow"', { name: "h", typeflag: "1", linkname: "../../etc/shadow" }),
  {
    ...layerOf("a hard link to nothing", 'its target "nothing" is not there', { name: "h", typeflag: "1", linkname: "nothing" }),
    stored: TAKEN,
  },
  layerOf("a whiteout of ..", 'apply "a/.wh..."', { name: "a/.wh...", data: "" }),
  layerOf("a whiteout of .", 'apply ".wh.."', { name: ".wh.." }),
  layerOf("a whiteout of nothing", 'apply ".wh."', { name: ".wh." }),
  layerOf("a whiteout that climbs", 'apply "../.wh.etc"', { name: "../.wh.etc" }),
  layerOf("a name that is there twice", 'apply "x"', { name: "x", data: "1" }, { name: "x", data: "2" }),
  layerOf("a name with a NUL", "holds a NUL byte", { name: "x", pax: { path: "a\0b" } }),
  layerOf("a name of 300 bytes", "has a step of 300 bytes", { name: "x", pax: { path: "n".repeat(300) } }),
  layerOf("a name of 100,000 bytes", "has 100000 bytes, more than", { name: "x", pax: { path: "d/".repeat(50_000) } }),
  layerOf("a link without a target", "is no path", link("l", "")),
  layerOf("a root that is a link", "the root is no directory", link("./", "/")),
  layerOf("an entry of an unknown type", 'its type "Z" is unknown', { name: "x", typeflag: "Z" }),
  layerOf("control characters in a name", "leads out of the root", { name: "../\u001B]0;owned\u0007\r\nhint: forged" }),
  layerIs("a layer cut in a header", "cut off in a header", () => tar({ name: "x" }).subarray(0, 300)),
  layerIs("a layer cut in its data", 'cut off in "x"', () => tar({ name: "x", data: Buffer.alloc(2000) }).subarray(0, 1500)),
  layerIs("a layer that is a text", "Cannot read", () => Buffer.from("no tar\n".repeat(1000))),
  layerOf("a negative size in a layer", "a header has", { name: "x", size: base256(-1n) }),
  layerOf("a size of 2^62 in a layer", "Cannot read", { name: "x", size: base256(2n ** 62n) }),
  layerOf("an extended header of 1 GiB in a layer", "extended header", { name: "p", typeflag: "x", size: 1024 ** 3 }),
  layerOf(
    "20,000 extended headers in a layer",
    "an extended header has",
    ...Array.from({ length: 20_000 }, () => entry({ name: "p", typeflag: "x", data: paxRecords({ comment: "x".repeat(400) }) })),
  ),
  layerOf("a map of a billion holes", "map of holes", {
    name: "s",
    data: "1000000000\n".padEnd(512, "\0"),
    pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s", "GNU.sparse.realsize": "4096" },
  }),
  {
    name: "attributes of 600 MiB",
    says: "attributes",
    make: () => xattrBomb(600),
  },
  { name: "a gzip bomb for a layer", says: BOMB, make: () => manifestWith({}, [bomb(gzipZeros(1056), GZIP_LAYER_TYPE)]) },
  { name: "a zstd bomb for a layer", says: BOMB, make: () => manifestWith({}, [bomb(zstdZeros(1056), `${OCI}.layer.v1.tar+zstd`)]) },
  {
    name: "a layer of 64 MiB of nothing, 1000 times",
    says: BOMB,
    stored: TAKEN, // which looks at it once
    make: () => {
      const zeros = gzipped(tar({ name: "zeros", data: Buffer.alloc(64 * 1024 * 1024) }));
      const diffId = sha256(zeros.tar);
      const config = configOf([], { rootfs: { type: "layers", diff_ids: Array.from({ length: 1000 }, () => diffId) } });
      const layout = new LayoutSketch();
      const descriptor = layout.add(zeros.stored, zeros.mediaType);
      const image = layout.image([], config, { layers: Array.from({ length: 1000 }, () => descriptor) });
      return layout.name(image.descriptor, "app:1").tar();
    },
  },
  layerOf("a file below links in a circle", "symbolic links make its path longer", link("a", "b"), link("b", "a"), {
    name: "a/x",
    data: "x",
  }),
  layerOf("a file below a file", "it lies below what is no directory", { name: "f", data: "x" }, { name: "f/x", data: "x" }),
  // what is within the root filesystem, whatever it says
  taken(layerOf("an absolute name", "", { name: "/etc/ctar-dropped", data: "x" })),
  taken(layerOf("a file below a link to the outside", "", link("out", "/tmp"), { name: "out/ctar-dropped", data: "x" })),
  taken(layerOf("a file below a link that climbs", "", link("out", "../../../tmp"), { name: "out/ctar-dropped", data: "x" })),
  taken(
    layerOf(
      "a hard link below a link to the outside",
      "",
      link("out", "/etc"),
      { name: "etc/passwd", data: "x" },
      {
        name: "h",
        typeflag: "1",
        linkname: "out/passwd",
      },
    ),
  ),
  taken(layerOf("a disk", "", { name: "sda", typeflag: "4", device: [8, 0] })),
  taken(layerOf("an archive without an end", "", { name: "x", data: "x" })),
  taken(layerIs("garbage behind the end of a layer", "", () => Buffer.concat([tar({ name: "x" }), Buffer.alloc(10_240, "garbage")]))),
];

function bomb(stored: Buffer, mediaType: string): LayerSketch {
  return { tar: Buffer.alloc(0), stored, mediaType };
}

/** Files that each have an attribute of 512 KiB that no other has, in a layer that compresses well. */
function xattrBomb(mebibytes: number): Buffer {
  const files = Array.from({ length: mebibytes * 2 }, (_, index) =>
    entry({ name: `f${index}`, pax: { "SCHILY.xattr.user.x": String(index).padEnd(512 * 1024, "x") } }),
  );
  return manifestWith({}, [gzipped(tar(...files))]);
}
