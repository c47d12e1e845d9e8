/** Archives made field by field, with whatever a hostile writer may put there; encoded here apart from the code under test. */
import { gzipSync } from "node:zlib";

/** A tar entry; numbers may be given as the bytes of their field. */
export interface Entry {
  name: string | Uint8Array;
  data?: string | Uint8Array;
  mode?: number;
  uid?: number;
  gid?: number;
  /** What the size field says, if not the truth: a number, or its twelve bytes. */
  size?: number | Uint8Array;
  typeflag?: string;
  linkname?: string;
  device?: [major: number, minor: number];
  /** Records of a pax header in front. */
  pax?: Readonly<Record<string, string | Uint8Array>>;
}

const BLOCK = 512;

/** One entry with its data and padding. */
export function entry({ pax, ...fields }: Entry): Buffer {
  const data = Buffer.from((fields.data ?? "") as string);
  const body = Buffer.concat([header(fields, data.length), data, Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK)]);
  return pax === undefined ? body : Buffer.concat([entry({ name: "pax", typeflag: "x", data: paxRecords(pax) }), body]);
}

/** Entries and the end blocks. */
export function tar(...entries: (Entry | Buffer)[]): Buffer {
  return Buffer.concat([...entries.map((item) => (Buffer.isBuffer(item) ? item : entry(item))), Buffer.alloc(2 * BLOCK)]);
}

/** Records of an extended header. */
export function paxRecords(records: Readonly<Record<string, string | Uint8Array>>): Buffer {
  return Buffer.concat(
    Object.entries(records).map(([key, value]) => {
      const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from("\n")]);
      let length = rest.length + 1;
      while (length !== rest.length + String(length).length) length = rest.length + String(length).length;
      return Buffer.concat([Buffer.from(String(length)), rest]);
    }),
  );
}

/** A number in base 256, as GNU tar writes what octal digits do not hold. */
export function base256(value: bigint): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeBigInt64BE(value, 4);
  if (value < 0n) bytes.fill(0xff, 0, 4);
  else bytes[0] = 0x80;
  return bytes;
}

/** Texts of an archive that nothing is wrong with. */
export const GOOD = {
  metadata: `---\ntype: full\nformat: tar\nuser: guest\ngroup: "/default"\ncontainer: victim\ndatasets: []\nexported_at: 1729850401\n`,
  user: "---\nuid_map:\n- 0:7000000:65536\ngid_map:\n- 0:7000000:65536\nstandalone: false\nattrs: {}\n",
  group: "---\ncgparams: []\ndevices: []\nattrs: {}\n",
  container: "---\nuser: guest\ngroup: \"/default\"\ndistribution: debian\nversion: '12'\n",
} as const;

/** Parts of an archive that are not as they should be. */
export interface Parts {
  metadata?: string | Uint8Array;
  user?: string | Uint8Array;
  group?: string | Uint8Array;
  container?: string | Uint8Array;
  hooks?: readonly Entry[];
  /** The root filesystem's tar, compressed here. */
  rootfs?: Uint8Array;
  /** ... or as it is to be stored. */
  stored?: Uint8Array;
  /** ... or another member altogether. */
  base?: Entry;
  /** Entries behind `metadata.yml`, or in front of it if they bring one of their own; and at the end. */
  first?: readonly (Entry | Buffer)[];
  last?: readonly (Entry | Buffer)[];
}

/** A container archive with these parts, of format tar if they do not say otherwise. */
export function archive(parts: Parts = {}): Buffer {
  const { metadata, user, group, container } = { ...GOOD, ...parts };
  const { first = [] } = parts;
  const own: Entry = { name: "metadata.yml", data: metadata };
  const bringsOne = first.some((part) => "name" in part && part.name === own.name);
  return tar(
    ...(bringsOne ? [...first, own] : [own, ...first]),
    { name: "config/user.yml", data: user },
    { name: "config/group.yml", data: group },
    { name: "config/container.yml", data: container },
    ...(parts.hooks ?? []),
    parts.base ?? rootfsMember(parts),
    ...(parts.last ?? []),
  );
}

function rootfsMember({ stored, rootfs: entries }: Parts): Entry {
  return { name: "rootfs/base.tar.gz", data: stored ?? gzipSync(entries ?? tar({ name: "./etc/hostname", data: "victim\n" })) };
}

/** An archive whose root filesystem has these entries. */
export function rootfs(...entries: (Entry | Buffer)[]): Buffer {
  return archive({ rootfs: tar(...entries) });
}

function header(fields: Omit<Entry, "pax" | "data">, length: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, "0");
  Buffer.from(fields.name as string).copy(block, 0, 0, 100);
  block.write(`${octal(fields.mode ?? 0o644, 7)}\0`, 100);
  block.write(`${octal(Math.min(fields.uid ?? 0, 0o7777777), 7)}\0${octal(Math.min(fields.gid ?? 0, 0o7777777), 7)}\0`, 108);
  if (typeof fields.size === "object") Buffer.from(fields.size).copy(block, 124);
  else block.write(`${octal(fields.size ?? length, 11)}\0`, 124);
  block.write(`${octal(1_729_850_401, 11)}\0`, 136);
  block.write(`        ${fields.typeflag ?? "0"}`, 148);
  block.write((fields.linkname ?? "").slice(0, 100), 157);
  block.write("ustar\x0000root", 257);
  block.write("root", 297);
  const [major, minor] = fields.device ?? [0, 0];
  block.write(`${octal(major, 7)}\0${octal(minor, 7)}\0`, 329);
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  );
  return block;
}
