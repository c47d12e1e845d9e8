/**
 * Writing tar entries of any name, number and time: a ustar header, with a pax extended header in front where ustar does not suffice. The
 * ustar fields then hold the nearest that fits, for readers that know no pax.
 */
import { ACLS, formatAcl } from "./acl.ts";
import { BLOCK_BYTES, encodeHeader, fitsLinkname, paddingOf, splitName } from "./header.ts";
import { octalLimit } from "./number-field.ts";
import { encodePax, formatPaxTime, xattrKey } from "./pax.ts";
import { encodeSparseMap, type SparseMap } from "./sparse.ts";

/** What is to be said of an entry. */
export interface EntryFields {
  name: Uint8Array;
  /** Permission bits, without those of the file type. */
  mode: number;
  uid: number;
  gid: number;
  /** Nanoseconds since 1970. */
  mtimeNs: bigint;
  typeflag: string;
  /** Bytes of data that follow; of a file with holes, the data alone. */
  size: number;
  linkname?: Uint8Array;
  devmajor?: number;
  devminor?: number;
  xattrs?: readonly (readonly [name: Uint8Array, value: Uint8Array])[];
  /** Where the data belongs, if the file has holes. */
  sparse?: SparseMap | undefined;
}

/** The end of an archive. */
export const END_BLOCKS_BYTES: number = 2 * BLOCK_BYTES;

const NAME_BYTES = 100;
const ID_LIMIT = octalLimit(8);
const SIZE_LIMIT = octalLimit(12);
const NANOSECONDS = 1_000_000_000n;
const NO_BYTES = new Uint8Array(0);

/** Encodes all that comes before the data. The data's padding is {@link paddingOf} its size. */
export function encodeEntry(fields: EntryFields): Uint8Array {
  const map = fields.sparse === undefined ? NO_BYTES : encodeSparseMap(fields.sparse);
  const size = fields.size + map.length;
  const records = [...extraRecords(fields, size)];
  const name = fields.sparse !== undefined || splitName(fields.name) === undefined ? substituteName(fields) : fields.name;
  const linkname = (fields.linkname ?? NO_BYTES).subarray(0, NAME_BYTES);
  const header = encodeHeader({
    name,
    mode: fields.mode,
    uid: clamp(fields.uid, ID_LIMIT),
    gid: clamp(fields.gid, ID_LIMIT),
    size: clamp(size, SIZE_LIMIT),
    mtime: clamp(wholeSeconds(fields.mtimeNs), SIZE_LIMIT),
    typeflag: fields.typeflag,
    linkname,
    uname: "",
    gname: "",
    devmajor: fields.devmajor ?? 0,
    devminor: fields.devminor ?? 0,
  });
  return Buffer.concat([...(records.length === 0 ? [] : extendedHeader(fields.name, encodePax(records))), header, map]);
}

/** The records for what the ustar header cannot say. */
function* extraRecords(fields: EntryFields, size: number): Generator<[key: string, value: Uint8Array | string]> {
  const { name, linkname, sparse, uid, gid, mtimeNs } = fields;
  if (sparse === undefined && splitName(name) === undefined) yield ["path", name];
  if (linkname !== undefined && !fitsLinkname(linkname)) yield ["linkpath", linkname];
  if (size > SIZE_LIMIT) yield ["size", String(size)];
  if (uid > ID_LIMIT) yield ["uid", String(uid)];
  if (gid > ID_LIMIT) yield ["gid", String(gid)];
  if (BigInt(clamp(wholeSeconds(mtimeNs), SIZE_LIMIT)) * NANOSECONDS !== mtimeNs) yield ["mtime", formatPaxTime(mtimeNs)];
  for (const [attribute, value] of fields.xattrs ?? []) {
    yield [xattrKey(attribute), value];
    yield* aclRecords(attribute, value);
  }
  if (sparse === undefined) return;
  yield ["GNU.sparse.major", "1"];
  yield ["GNU.sparse.minor", "0"];
  yield ["GNU.sparse.name", name];
  yield ["GNU.sparse.realsize", String(sparse.size)];
}

/** An ACL as text besides: with `--acls` GNU tar takes that alone. */
function* aclRecords(attribute: Uint8Array, value: Uint8Array): Generator<[key: string, value: string]> {
  const name = Buffer.from(attribute).toString("latin1");
  const record = ACLS.find((acl) => acl.attribute === name)?.record;
  const text = record === undefined ? undefined : formatAcl(value);
  if (record !== undefined && text !== undefined) yield [record, text];
}

function extendedHeader(name: Uint8Array, records: Uint8Array): Uint8Array[] {
  const header = encodeHeader({
    name: namedAfter("./PaxHeaders/", name),
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: records.length,
    mtime: 0,
    typeflag: "x",
    linkname: NO_BYTES,
    uname: "",
    gname: "",
    devmajor: 0,
    devminor: 0,
  });
  return [header, records, new Uint8Array(paddingOf(records.length))];
}

/** What readers that know no pax see of a name that does not fit, or of a file whose data they would take for the file. */
function substituteName({ name, sparse }: EntryFields): Uint8Array {
  return sparse === undefined ? name.subarray(0, NAME_BYTES) : namedAfter("./GNUSparseFile/", name);
}

function namedAfter(directory: string, name: Uint8Array): Uint8Array {
  const end = name.at(-1) === 0x2f ? name.length - 1 : name.length;
  const base = name.subarray(name.lastIndexOf(0x2f, end - 1) + 1, end);
  return Buffer.concat([Buffer.from(directory), base.subarray(0, NAME_BYTES - directory.length)]);
}

function clamp(value: number, limit: number): number {
  return Math.max(0, Math.min(value, limit));
}

function wholeSeconds(timeNs: bigint): number {
  return Number((timeNs - (((timeNs % NANOSECONDS) + NANOSECONDS) % NANOSECONDS)) / NANOSECONDS);
}
