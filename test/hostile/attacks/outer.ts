/** Attacks on the reader of the archive itself. */
import { gzipSync } from "node:zlib";
import { CONTAINED, REFUSED, type Attack } from "../attack.ts";
import { archive, base256, entry, GOOD, paxRecords, tar } from "../craft.ts";

const GOOD_ARCHIVE = archive();
const METADATA = { name: "metadata.yml", data: GOOD.metadata };

/** The attacks. */
export const OUTER: readonly Attack[] = [
  { name: "nothing at all", exit: REFUSED, make: () => new Uint8Array(0) },
  { name: "a text", exit: REFUSED, make: () => Buffer.from("please import me\n".repeat(100)) },
  { name: "zeros only", exit: REFUSED, make: () => Buffer.alloc(10_240) },
  { name: "an outer gzip", exit: CONTAINED, make: () => gzipSync(GOOD_ARCHIVE) },
  { name: "a checksum that is wrong", exit: REFUSED, make: () => patched(GOOD_ARCHIVE, 148, "000001\0 ") },
  { name: "a negative size", exit: REFUSED, make: () => archive({ first: [{ name: "x", size: base256(-1n) }] }) },
  { name: "a negative size on a pipe", exit: REFUSED, pipe: true, make: () => archive({ first: [{ name: "x", size: base256(-512n) }] }) },
  { name: "a size of 2^62", exit: REFUSED, make: () => archive({ first: [{ name: "x", size: base256(2n ** 62n) }] }) },
  { name: "a size beyond the end", exit: REFUSED, make: () => archive({ first: [{ name: "x", size: 8 ** 10 }] }) },
  { name: "a size beyond the end, on a pipe", exit: REFUSED, pipe: true, make: () => archive({ first: [{ name: "x", size: 8 ** 10 }] }) },
  {
    name: "a size of twelve digits that leads nowhere",
    exit: REFUSED,
    make: () => archive({ first: [{ name: "x", size: Buffer.from("777777777777") }] }),
  },
  { name: "a metadata.yml of 4 GiB", exit: REFUSED, make: () => tar({ name: "metadata.yml", size: 4 * 1024 ** 3 }) },
  {
    name: "a metadata.yml of 5 MiB",
    exit: REFUSED,
    make: () => archive({ first: [{ name: "metadata.yml", data: Buffer.alloc(5 * 1024 * 1024, "#") }] }),
  },
  { name: "an extended header of 1 GiB", exit: REFUSED, make: () => archive({ first: [{ name: "p", typeflag: "x", size: 1024 ** 3 }] }) },
  {
    name: "an extended header of 1 GiB on a pipe",
    exit: REFUSED,
    pipe: true,
    make: () => archive({ first: [{ name: "p", typeflag: "x", size: 1024 ** 3 }] }),
  },
  {
    name: "a chain of 20,000 extended headers",
    exit: REFUSED,
    make: () =>
      archive({
        first: Array.from({ length: 20_000 }, () => entry({ name: "p", typeflag: "x", data: paxRecords({ comment: "x".repeat(400) }) })),
      }),
  },
  {
    name: "a chain of 20,000 long names",
    exit: REFUSED,
    make: () => archive({ first: Array.from({ length: 20_000 }, () => entry({ name: "L", typeflag: "L", data: "n".repeat(500) })) }),
  },
  {
    name: "an extended header at the end, for nothing",
    exit: REFUSED,
    make: () => archive({ last: [{ name: "p", typeflag: "x", data: paxRecords({ path: "x" }) }] }),
  },
  { name: "a pax size of 30 digits", exit: REFUSED, make: () => archive({ first: [{ name: "x", pax: { size: "9".repeat(30) } }] }) },
  { name: "a pax size that is negative", exit: REFUSED, make: () => archive({ first: [{ name: "x", pax: { size: "-1" } }] }) },
  {
    name: "a pax record whose length lies",
    exit: REFUSED,
    make: () => archive({ first: [entry({ name: "p", typeflag: "x", data: "9999 path=x\n" }), entry({ name: "x" })] }),
  },
  {
    name: "a pax record without a length",
    exit: REFUSED,
    make: () => archive({ first: [entry({ name: "p", typeflag: "x", data: "path=x\n" }), entry({ name: "x" })] }),
  },
  {
    name: "a metadata.yml that is a symbolic link",
    exit: REFUSED,
    make: ({ path }) => archive({ first: [{ name: "metadata.yml", typeflag: "2", linkname: `${path}/secret` }] }),
  },
  {
    name: "a container.yml that is a hard link",
    exit: REFUSED,
    make: ({ path }) => archive({ first: [{ name: "config/container.yml", typeflag: "1", linkname: `${path}/secret` }] }),
  },
  {
    name: "a root filesystem that is a device",
    exit: REFUSED,
    make: () =>
      tar(METADATA, { name: "config/container.yml", data: GOOD.container }, { name: "rootfs/base.tar.gz", typeflag: "4", device: [8, 0] }),
  },
  { name: "a name with a NUL by pax", exit: REFUSED, make: () => tar({ ...METADATA, name: "x", pax: { path: "metadata.yml\0" } }) },
  {
    name: "control sequences of the terminal in a name",
    exit: REFUSED,
    make: () => archive({ hooks: [{ name: "hooks/\u001B]0;owned\u0007\u001B[2J\r\n", data: "x" }] }),
  },
  { name: "a file cut in a header", exit: REFUSED, make: () => GOOD_ARCHIVE.subarray(0, 700) },
  { name: "a file cut in its data", exit: REFUSED, make: () => GOOD_ARCHIVE.subarray(0, GOOD_ARCHIVE.length - 1024 - 300) },
  {
    name: "a second archive behind one zero block",
    exit: CONTAINED,
    make: () => archive({ first: [entry({ name: "x" }), Buffer.alloc(512)] }),
  },
  { name: "garbage behind the end blocks", exit: CONTAINED, make: () => Buffer.concat([GOOD_ARCHIVE, Buffer.alloc(100_000, "garbage")]) },
  {
    name: "a metadata.yml with holes of 8 EiB",
    exit: REFUSED,
    make: () =>
      archive({
        first: [
          {
            name: "metadata.yml",
            data: "1\n9223372036854775000\n0\n",
            pax: {
              "GNU.sparse.major": "1",
              "GNU.sparse.minor": "0",
              "GNU.sparse.name": "metadata.yml",
              "GNU.sparse.realsize": "9223372036854775000",
            },
          },
        ],
      }),
  },
  {
    name: "a second metadata.yml that says something else",
    exit: CONTAINED,
    make: () => archive({ last: [{ name: "metadata.yml", data: GOOD.metadata.replace("full", "skel") }] }),
  },
  {
    name: "50,000 members of no meaning",
    exit: CONTAINED,
    make: () => archive({ first: Array.from({ length: 50_000 }, (_, index) => entry({ name: `junk/${index}` })) }),
  },
  { name: "a root filesystem in two parts with another member between", exit: CONTAINED, make: () => inTwoParts() },
  { name: "the parts of a root filesystem apart, on a pipe", exit: REFUSED, pipe: true, make: () => inTwoParts() },
  {
    name: "configuration behind the data, on a pipe",
    exit: REFUSED,
    pipe: true,
    says: '"config/container.yml" does not come before the data',
    make: () =>
      tar(
        METADATA,
        { name: "config/user.yml", data: GOOD.user },
        { name: "config/group.yml", data: GOOD.group },
        { name: "rootfs/base.tar.gz", data: gzipSync(tar()) },
        { name: "config/container.yml", data: GOOD.container },
      ),
  },
  {
    name: "members that climb or are absolute",
    exit: CONTAINED,
    make: ({ path }) =>
      archive({
        first: [
          { name: "../../../dropped", data: "x" },
          { name: "x", data: "x", pax: { path: `${path}/dropped` } },
        ],
      }),
  },
  {
    name: "a data stream that climbs",
    exit: CONTAINED,
    make: () => archive({ first: [{ name: "rootfs/../../dropped.tar.gz", data: gzipSync(tar()) }] }),
  },
  {
    name: "another archive's metadata.yml between the size of a header and that of pax",
    exit: CONTAINED,
    make: () => {
      const hidden = entry({ name: "metadata.yml", data: GOOD.metadata.replace("victim", "other") });
      return archive({ first: [{ name: "x", size: 0, data: hidden, pax: { size: String(hidden.length) } }] });
    },
  },
  {
    name: "a global header that renames all that follows",
    exit: REFUSED,
    says: 'it has no "rootfs/base.tar.gz"', // all members have the one name now
    make: () => archive({ first: [{ name: "g", typeflag: "g", data: paxRecords({ path: "metadata.yml" }) }] }),
  },
];

function inTwoParts(): Buffer {
  const stored = gzipSync(tar({ name: "./x", data: "x" }));
  const name = "rootfs/base.tar.gz";
  return archive({
    stored: stored.subarray(0, 20),
    last: [
      { name: "README", data: "x" },
      { name, data: stored.subarray(20) },
    ],
  });
}

function patched(bytes: Buffer, at: number, text: string): Buffer {
  const copy = Buffer.from(bytes);
  copy.write(text, at, "latin1");
  return copy;
}
