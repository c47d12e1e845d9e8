/** Archives of images whose members are not as they should be, or come compressed as more than can be. */
import { gzipSync, zstdCompressSync } from "node:zlib";
import { json, LayoutSketch, sha256 } from "../../support/oci.ts";
import { base256, entry, paxRecords, tar, type Entry } from "../craft.ts";
import type { ImageAttack, Outcome } from "../image-attack.ts";
import { ABSENT, dockerWith, gzipZeros, layoutWith, LOWER, MARKER, NOWHERE, pathOf, zstdZeros } from "../image-craft.ts";

const GOOD = layoutWith(() => undefined);
const MARKER_BYTES = 1024;
const NO_IMAGES = "it is neither an OCI layout nor a docker-archive";
const NO_ARCHIVE: Outcome = { exit: 12, says: 'it has no "metadata.yml"' };
const BOMB = "bytes becomes more than 1 GiB and 250 times of that";

/** The layer of a docker-archive as another kind of member. */
function layerAs(name: string, says: string, member: Partial<Entry>, others: readonly Entry[] = []): ImageAttack {
  return { name, says, make: () => dockerWith({ Layers: ["x"] }, [{ name: "x", ...member }, ...others]) };
}

/** Members of a good archive behind its first one, by which it is known for what it is. */
function first(name: string, says: string, ...members: (Entry | Buffer)[]): ImageAttack {
  return { name, says, make: () => withMembers(tar(...members).subarray(0, -1024)) };
}

/** The attacks. */
export const IMAGE_MEMBERS: readonly ImageAttack[] = [
  { name: "an empty file", says: "Cannot read", container: NO_ARCHIVE, make: () => Buffer.alloc(0) },
  { name: "zeros only", says: "Cannot read", container: NO_ARCHIVE, make: () => Buffer.alloc(10_240) },
  { name: "a tar of a tar", says: NO_IMAGES, container: { exit: 0, says: "" }, make: () => tar({ name: "images.tar", data: GOOD }) },
  {
    name: "a manifest.json that is a directory",
    says: NO_IMAGES,
    make: () => tar({ name: "manifest.json/", typeflag: "5" }, { name: "manifest.json/x", data: "[]" }),
  },
  {
    name: "a manifest that is a directory",
    says: `manifest "${ABSENT.digest}" is missing`,
    make: () =>
      tar(
        MARKER,
        { name: "index.json", data: json({ schemaVersion: 2, manifests: [ABSENT] }) },
        { name: `blobs/sha256/${NOWHERE}/`, typeflag: "5" },
      ),
  },
  {
    name: "a manifest.json that is there twice",
    says: '"manifest.json": it is there twice',
    make: () => dockerWith({}, [{ name: "./manifest.json", data: "[]" }]),
  },
  {
    name: "a blob that is there twice, with other content",
    says: `"${pathOf(LOWER.stored)}": it is there twice`,
    make: () => {
      const layout = new LayoutSketch();
      layout.name(layout.image([LOWER]).descriptor, "app:1");
      return tar(...(layout.entries() as Entry[]), { name: `./${pathOf(LOWER.stored)}`, data: "something else" });
    },
  },
  first("a member whose name leaves", '"a/../../b": the name leaves the archive', { name: "a/../../b" }),
  first("a member whose name is absolute", '"/etc/ctar-dropped": the name leaves the archive', { name: "/etc/ctar-dropped", data: "x" }),
  first("a member whose name has control characters", "the name leaves the archive", { name: "../\u001B]0;owned\u0007\r\nhint: forged" }),
  layerAs("a layer that is a link out of the archive", 'a link to "../../../etc/passwd", which leaves', {
    typeflag: "2",
    linkname: "../../../etc/passwd",
  }),
  layerAs("a layer that is a link to an absolute path", 'a link to "/etc/passwd", which leaves', {
    typeflag: "2",
    linkname: "/etc/passwd",
  }),
  layerAs("a layer that is a hard link out of the archive", 'a link to "../etc/passwd", which leaves', {
    typeflag: "1",
    linkname: "../etc/passwd",
  }),
  layerAs("links in a circle", "more than 8 links lead from one to the next", { typeflag: "2", linkname: "y" }, [
    { name: "y", typeflag: "2", linkname: "x" },
  ]),
  layerAs("a layer that is a link to nothing", '"x" is missing', { typeflag: "2", linkname: "y" }),
  layerAs("a layer that is a FIFO", '"x": it is a FIFO', { typeflag: "6" }),
  layerAs("a layer that is a disk", '"x": it is a block device', { typeflag: "4", device: [8, 0] }),
  layerAs("a layer with holes of 8 TiB", '"x": it is stored with holes', {
    data: "1\n0\n0\n".padEnd(512, "\0"),
    pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "x", "GNU.sparse.realsize": String(8 * 1024 ** 4) },
  }),
  {
    name: "a blob that is a link to another",
    says: `"${pathOf(LOWER.stored)}": it is a link to`,
    make: () => {
      const layout = new LayoutSketch();
      layout.name(layout.image([LOWER]).descriptor, "app:1");
      layout.files.delete(pathOf(LOWER.stored));
      const link = { name: pathOf(LOWER.stored), typeflag: "2", linkname: "../../x" };
      return tar(...(layout.entries() as Entry[]), link, { name: "x", data: LOWER.stored });
    },
  },
  { name: "an archive cut in a header", says: "cut off in a header", make: () => GOOD.subarray(0, 1024 + 200) },
  { name: "an archive cut in its data", says: "cut off in", make: () => GOOD.subarray(0, 512 + 20) },
  { name: "a header with a wrong checksum", says: "checksum", make: () => Buffer.concat([Buffer.alloc(512, "x"), GOOD]) },
  first("a negative size", "a header has", { name: "x", size: base256(-1n) }),
  first("a size of 2^62", "Cannot read archive", { name: "x", size: base256(2n ** 62n) }),
  first("a size beyond the end", "cut off in", { name: "x", size: 8 ** 10 }),
  first("a pax size of 30 digits", "an extended header has size", { name: "x", pax: { size: "9".repeat(30) } }),
  first("an extended header of 1 GiB", "extended header", { name: "p", typeflag: "x", size: 1024 ** 3 }),
  first(
    "a chain of 20,000 extended headers",
    "an extended header has",
    ...Array.from({ length: 20_000 }, () => entry({ name: "p", typeflag: "x", data: paxRecords({ comment: "x".repeat(400) }) })),
  ),
  {
    name: "200,001 members",
    says: "Cannot read images: the",
    make: () => withMembers(emptyMembers(200_001)),
  },
  {
    name: "names of more than 16 MiB",
    says: "16 MiB of names",
    make: () =>
      tar(...Array.from({ length: 90 }, (_, index) => entry({ name: "x", pax: { path: `blobs/sha256/${index}/${"n".repeat(800_000)}` } }))),
  },
  {
    name: "garbage behind the end",
    says: "",
    stored: { exit: 0, says: "" },
    container: { exit: 0, says: "" },
    make: () => Buffer.concat([GOOD, Buffer.alloc(100_000, "garbage")]),
  },
  { name: "a gzip with garbage behind it", says: "Cannot decompress", make: () => Buffer.concat([gzipSync(GOOD), Buffer.from("garbage")]) },
  { name: "a gzip that is cut off", says: "Cannot decompress", make: () => gzipSync(GOOD).subarray(0, -10) },
  { name: "a zstd that is cut off", says: "it is cut off", make: () => zstdCompressSync(GOOD).subarray(0, -10) },
  { name: "a gzip of a gzip of a gzip", says: "Cannot read", make: () => gzipSync(gzipSync(gzipSync(GOOD))) },
  { name: "a gzip bomb in place of the tar", says: "Cannot read", container: NO_ARCHIVE, make: () => gzipZeros(1056) },
  {
    name: "a gzip bomb in the archive",
    says: BOMB,
    make: () => Buffer.concat([gzipSync(entry({ name: "blobs/sha256/x", size: 8 ** 11 - 512 }).subarray(0, 512)), gzipZeros(1056)]),
  },
  {
    name: "a zstd bomb in the archive",
    says: BOMB,
    make: () => Buffer.concat([zstdCompressSync(entry({ name: "blobs/sha256/x", size: 8 ** 11 - 512 }).subarray(0, 512)), zstdZeros(1056)]),
  },
  {
    name: "a zstd whose window is 2 GiB",
    says: "Cannot decompress",
    make: () => Buffer.concat([Buffer.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3), Buffer.of(0x01, 0x00, 0x00)]),
  },
  {
    name: "a name that looks like another image's digest",
    says: "is no image name",
    make: () => dockerWith({ RepoTags: [sha256(LOWER.tar)] }),
  },
];

function withMembers(members: Buffer): Buffer {
  return Buffer.concat([GOOD.subarray(0, MARKER_BYTES), members, GOOD.subarray(MARKER_BYTES)]);
}

/** Empty files, whose headers differ by their names. */
function emptyMembers(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => entry({ name: `junk/${index}` })));
}
