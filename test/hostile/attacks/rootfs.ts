/** Attacks by the root filesystem, which is extracted as root. */
import { gzipSync } from "node:zlib";
import { CONTAINED, REFUSED, type Attack } from "../attack.ts";
import { archive, base256, entry, paxRecords, rootfs, tar, type Entry } from "../craft.ts";

const DIRECTORY = { typeflag: "5", mode: 0o755 };

function refused(name: string, make: (aim: string) => (Entry | Buffer)[]): Attack {
  return { name, exit: REFUSED, make: ({ path }) => rootfs(...make(path)) };
}

function contained(name: string, make: (aim: string) => (Entry | Buffer)[]): Attack {
  return { name, exit: CONTAINED, make: ({ path }) => rootfs(...make(path)) };
}

function link(name: string, target: string): Entry {
  return { name, typeflag: "2", linkname: target, ...(target.length > 100 ? { pax: { linkpath: target } } : {}) };
}

function hard(name: string, target: string): Entry {
  return { name, typeflag: "1", linkname: target, ...(target.length > 100 ? { pax: { linkpath: target } } : {}) };
}

/** A file with holes by GNU.sparse 1.0: the map goes before the data. */
function sparse(map: readonly (number | bigint)[], realsize: number | bigint, data = "x".repeat(512), name = "./sparse"): Buffer {
  const text = `${map.length / 2}\n${map.map((value) => `${value}\n`).join("")}`;
  const body = Buffer.concat([Buffer.from(text.padEnd(Math.ceil(text.length / 512) * 512, "\0")), Buffer.from(data)]);
  const pax = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": name, "GNU.sparse.realsize": String(realsize) };
  return entry({ name: "./GNUSparseFile/sparse", data: body, pax });
}

/** The attacks. */
export const ROOTFS: readonly Attack[] = [
  refused("a file below a link to the outside", (aim) => [link("./out", aim), { name: "./out/dropped", data: "x" }]),
  refused("a file below a link to /", (aim) => [link("./out", "/"), { name: "x", data: "x", pax: { path: `./out${aim}/dropped` } }]),
  refused("a file below a link to a process's root", (aim) => [
    link("./out", "/proc/self/root"),
    { name: "x", data: "x", pax: { path: `./out${aim}/dropped` } },
  ]),
  refused("a file below links in a circle", () => [link("./a", "b"), link("./b", "a"), { name: "./a/x", data: "x" }]),
  refused("a file below a link that climbs", () => [link("./out", "../../../.."), { name: "./out/ctar-dropped", data: "x" }]),
  refused("a file below a link to a link", (aim) => [link("./a", aim), link("./b", "a"), { name: "./b/dropped", data: "x" }]),
  refused("a directory below a link to the outside", (aim) => [link("./out", aim), { name: "./out/dir/", ...DIRECTORY, mode: 0o777 }]),
  refused("a link below a link to the outside", (aim) => [link("./out", aim), link("./out/planted", "/etc/shadow")]),
  refused("a device below a link to the outside", (aim) => [link("./out", aim), { name: "./out/sda", typeflag: "4", device: [8, 0] }]),
  refused("a directory that becomes a link before files go in", (aim) => [
    { name: "./d/", ...DIRECTORY },
    link("./d", aim),
    { name: "./d/dropped", data: "x" },
  ]),
  refused("a file below a file", () => [
    { name: "./f", data: "x" },
    { name: "./f/x", data: "x" },
  ]),
  refused("a name that climbs", () => [{ name: "../../../../ctar-dropped", data: "x" }]),
  refused("a name that climbs from within", () => [
    { name: "./a/", ...DIRECTORY },
    { name: "./a/../../../../../ctar-dropped", data: "x" },
  ]),
  refused("a file with holes whose second name climbs", () => [sparse([0, 512], 512, "x".repeat(512), "../../../../ctar-dropped")]),
  refused("a name of 300 bytes", () => [{ name: "x", pax: { path: `./${"n".repeat(300)}` } }]),
  refused("a directory with files in it that becomes a link", (aim) => [
    { name: "./d/", ...DIRECTORY },
    { name: "./d/x", data: "x" },
    link("./d", aim),
    { name: "./d/dropped", data: "x" },
  ]),
  refused("a name that ends in ..", () => [{ name: "./a/..", ...DIRECTORY }]),
  refused("an absolute name", (aim) => [{ name: "x", data: "x", pax: { path: `${aim}/dropped` } }]),
  refused("a name with a NUL", () => [{ name: "x", data: "x", pax: { path: "./a\0b" } }]),
  refused("a hard link that climbs", (aim) => [hard("./h", `../../../../../../../../../..${aim}/secret`)]),
  refused("a hard link to an absolute name", (aim) => [hard("./h", `${aim}/secret`), { name: "./h", data: "overwritten" }]),
  refused("a hard link below a link to the outside", (aim) => [link("./out", aim), hard("./h", "./out/secret")]),
  refused("a hard link to the root", () => [hard("./h", "./")]),
  contained("a root that is a file by its type and a directory by its name", () => [{ name: "./", data: "x" }]),
  refused("a root that is a link", (aim) => [link("./", aim)]),
  refused("a root that is a hard link", () => [{ name: "./a", data: "x" }, hard(".", "./a")]),
  refused("a link without a target", () => [link("./l", "")]),
  refused("a negative size", () => [{ name: "./f", size: base256(-1n) }]),
  refused("a size of 2^62", () => [{ name: "./f", size: base256(2n ** 62n) }]),
  refused("a map of holes that goes backwards", () => [sparse([4096, 512, 0, 512], 8192, "x".repeat(1024))]),
  refused("a map of holes that overlaps", () => [sparse([0, 512, 256, 512], 8192, "x".repeat(1024))]),
  refused("a map of holes beyond the end of the file", () => [sparse([1_000_000, 512], 4096)]),
  refused("a map of holes with a number of 30 digits", () => [sparse([0, 10n ** 30n], 4096)]),
  refused("a map of holes that promises more than there is", () => [sparse([0, 1024 ** 3], 1024 ** 3)]),
  refused("a map of a billion holes", () => [
    entry({
      name: "./s",
      data: "1000000000\n".padEnd(512, "\0"),
      pax: { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "./s", "GNU.sparse.realsize": "4096" },
    }),
  ]),
  refused("a file of 8 EiB", () => [sparse([0, 512], 2n ** 62n)]),

  contained("a link that is opened for writing", (aim) => [link("./l", `${aim}/secret`), { name: "./l", data: "overwritten" }]),
  contained("a hard link to a link, opened for writing", (aim) => [
    link("./l", `${aim}/secret`),
    hard("./h", "./l"),
    { name: "./h", data: "overwritten" },
  ]),
  contained("a link that gets a mode, an owner, times and attributes", (aim) => [
    {
      ...link("./l", `${aim}/secret`),
      mode: 0o4777,
      uid: 1234,
      gid: 1234,
      pax: { linkpath: `${aim}/secret`, mtime: "1", "SCHILY.xattr.user.x": "y" },
    },
  ]),
  contained("a link that becomes a directory", (aim) => [link("./l", aim), { name: "./l/", ...DIRECTORY, mode: 0o777 }]),
  contained("a directory that a link gets the name of", (aim) => [{ name: "./d/", ...DIRECTORY }, link("./d", aim)]),
  contained("a FIFO that is opened for writing", () => [
    { name: "./p", typeflag: "6" },
    { name: "./p", data: "x" },
  ]),
  contained("a disk that is opened for writing", () => [
    { name: "./disk", typeflag: "4", device: [8, 0] },
    { name: "./disk", data: "overwritten" },
  ]),
  contained("a hard link to a disk, opened for writing", () => [
    { name: "./disk", typeflag: "4", device: [8, 0] },
    hard("./h", "./disk"),
    { name: "./h", data: "overwritten" },
  ]),
  contained("a device with numbers that are too large", () => [{ name: "./dev", typeflag: "3", device: [0o7777777, 0o7777777] }]),
  contained("a set-user-ID file whose owner is none", () => [
    { name: "./su", mode: 0o6755, data: "x", pax: { uid: "4294967295", gid: "4294967295" } },
  ]),
  contained("a set-user-ID file with two names, written anew", () => [
    { name: "./su", mode: 0o4755, data: "good" },
    hard("./other", "./su"),
    { name: "./other", mode: 0o4755, data: "bad", uid: 1000 },
  ]),
  contained("2,000 levels of directories, one at a time", () =>
    Array.from({ length: 200 }, (_, level) => entry({ name: "x", ...DIRECTORY, pax: { path: "d/".repeat((level + 1) * 10) } })),
  ),
  contained("8,000 levels of directories, deeper than any path", () => [{ name: "x", ...DIRECTORY, pax: { path: "d/".repeat(8000) } }]),
  {
    ...refused("8,000 levels of directories that have to go again", () => [
      { name: "x", ...DIRECTORY, pax: { path: "d/".repeat(8000) } },
      { name: "../x" },
    ]),
    pending: "removing them takes minutes",
  },
  contained("a hard link to itself", () => [hard("./h", "./h")]),
  contained("a hard link to what comes later", () => [hard("./h", "./later"), { name: "./later", data: "x" }]),
  contained("a file of 1 TiB of holes", () => [sparse([1024 ** 4 - 512, 512], 1024 ** 4)]),
  contained("100,000 blocks of an old map of holes", () => [oldSparse(100_000)]),
  contained("30,000 empty files", () => Array.from({ length: 30_000 }, (_, index) => entry({ name: `./f${index}` }))),
  contained("a file 2,000 times", () => Array.from({ length: 2000 }, (_, index) => entry({ name: "./f", data: String(index) }))),
  contained("names that differ in what they look like alone", () => [
    { name: ".//a///b", data: "1" },
    { name: "././a/./b", data: "2" },
  ]),
  contained("an entry of an unknown type", () => [{ name: "./v", typeflag: "Z", data: "x" }]),
  contained("a time after the end of all times", () => [{ name: "./t", pax: { mtime: "99999999999999999" } }]),
  contained("a time before all times", () => [{ name: "./t", pax: { mtime: "-99999999999999999" } }]),
  contained("attributes of the kernel's own", () => [
    {
      name: "./x",
      pax: {
        "SCHILY.xattr.trusted.overlay.opaque": "y",
        "SCHILY.xattr.security.selinux": "system_u:object_r:shadow_t:s0",
        "SCHILY.xattr.security.ima": "x",
      },
    },
  ]),
  contained("an attribute with a value of 1 MiB less a little", () => [
    { name: "./x", pax: { "SCHILY.xattr.user.big": "v".repeat(900_000) } },
  ]),
  contained("an attribute with a NUL in its name", () => [{ name: "./x", pax: { "SCHILY.xattr.user.a\0b": "v" } }]),
  contained("an ACL that is none", () => [
    { name: "./x", pax: { "SCHILY.xattr.system.posix_acl_access": "garbage", "SCHILY.acl.access": "user:root:rwx,garbage" } },
  ]),
  contained("control sequences of the terminal in a name", () => [{ name: "./\u001B[2J\u001B]0;owned\u0007", typeflag: "Z" }]),

  {
    name: "100,000 entries that each deserve a warning",
    exit: CONTAINED,
    make: () => archive({ stored: repeated(Buffer.concat(Array(1000).fill(entry({ name: "./v", typeflag: "Z" })) as Buffer[]), 100) }),
  },

  stored("a gzip that is cut", gzipSync(tar({ name: "./x", data: "x".repeat(10_000) })).subarray(0, 60)),
  stored("a gzip with a wrong checksum", wrongChecksum()),
  stored("a gzip with garbage behind it", Buffer.concat([gzipSync(tar()), Buffer.alloc(100, "garbage")])),
  stored("two gzips with garbage between them", Buffer.concat([gzipSync(tar()), Buffer.alloc(100, "garbage"), gzipSync(tar())])),
  {
    name: "100,000 empty gzips behind the tar",
    exit: CONTAINED,
    pending: "an empty gzip at the end counts as cut off",
    make: () => archive({ stored: Buffer.concat([gzipSync(tar({ name: "./x" })), repeated(Buffer.alloc(0), 100_000)]) }),
  },
  stored(
    "a gzip whose name has no end",
    Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]), Buffer.alloc(2 * 1024 * 1024, "n")]),
  ),
  stored("no gzip at all", tar({ name: "./x", data: "x" })),
  {
    name: "a gzip bomb behind the end of the tar",
    exit: CONTAINED,
    make: () => archive({ stored: Buffer.concat([gzipSync(tar({ name: "./x" })), bomb(1024)]) }),
  },
  {
    name: "a gzip bomb as an extended header",
    exit: REFUSED,
    make: () =>
      archive({ stored: Buffer.concat([gzipSync(entry({ name: "p", typeflag: "x", size: 1024 ** 3 }).subarray(0, 512)), bomb(1024)]) }),
  },
  {
    name: "a gzip bomb of records for the next entry",
    exit: REFUSED,
    make: () =>
      archive({
        rootfs: tar(
          ...Array.from({ length: 3000 }, () =>
            entry({ name: "p", typeflag: "x", data: paxRecords({ "SCHILY.xattr.user.a": "a".repeat(1000) }) }),
          ),
          { name: "./x" },
        ),
      }),
  },
];

function stored(name: string, bytes: Uint8Array): Attack {
  return { name, exit: REFUSED, make: () => archive({ stored: bytes }) };
}

function wrongChecksum(): Buffer {
  const bytes = gzipSync(tar({ name: "./x", data: "x" }));
  bytes.writeUInt32LE((bytes.readUInt32LE(bytes.length - 8) ^ 1) >>> 0, bytes.length - 8);
  return bytes;
}

/** Gzip members of zeros, 1 MiB each. */
function bomb(mebibytes: number): Buffer {
  return repeated(Buffer.alloc(1024 * 1024), mebibytes);
}

/** Gzip members of the same bytes. */
function repeated(bytes: Uint8Array, times: number): Buffer {
  const one = gzipSync(bytes);
  return Buffer.concat(Array.from({ length: times }, () => one));
}

/** A file of the old GNU form, whose map goes on in blocks that hold nothing. */
function oldSparse(blocks: number): Buffer {
  const header = entry({ name: "./s", typeflag: "S" });
  header[482] = 1; // "isextended": a block of the map follows
  header.write("0".repeat(11), 483); // real size
  header.write(" ".repeat(8), 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  const block = Buffer.alloc(512);
  block[504] = 1;
  return Buffer.concat([header, ...Array.from({ length: blocks - 1 }, () => block), Buffer.alloc(512)]);
}
