/**
 * Extended header records (pax): what an entry's ustar header cannot say. They are the data of an entry of type `x` (for the next entry) or
 * `g` (for all that follow), each record being `<length> <key>=<value>\n`, where the length in decimal counts itself and the newline.
 *
 * Keys are strings with one character per byte, values are bytes. Used here: path, linkpath, size, uid, gid, mtime; SCHILY.xattr.<name> for
 * extended attributes, where GNU tar writes `%` and `=` of the name as `%25` and `%3D`; SCHILY.acl.* (see acl.ts); GNU.sparse.* (see
 * sparse.ts). An empty value takes a record back, except for an attribute, which may be empty.
 *
 * @see POSIX pax, "pax Extended Header"; star(5) for SCHILY.*
 */
import { damaged } from "../../errors.ts";
import { displayName } from "./display-name.ts";

/** A record. */
export type PaxRecord = readonly [key: string, value: Uint8Array];
/** The records that are in force for an entry. */
export type PaxRecords = ReadonlyMap<string, Uint8Array>;

const XATTR = "SCHILY.xattr.";
const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;
/** More digits than any length has that is within the reader's limit. */
const LENGTH_DIGITS = 10;
const NANOSECONDS = 1_000_000_000n;

/** Encodes records. */
export function encodePax(records: Iterable<readonly [key: string, value: Uint8Array | string]>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [key, value] of records) {
    const rest = Buffer.concat([Buffer.from(` ${key}=`, "latin1"), Buffer.from(value as Uint8Array), Buffer.from("\n")]);
    parts.push(Buffer.from(String(recordLength(rest.length))), rest);
  }
  return Buffer.concat(parts);
}

/** Parses records. @param offset where they stand in the archive, for messages @throws ToolError damaged */
export function parsePax(data: Uint8Array, offset: number): PaxRecord[] {
  const records: PaxRecord[] = [];
  let at = 0;
  while (at < data.length && data[at] !== 0) {
    const space = data.indexOf(SPACE, at);
    const length = space > at && space - at <= LENGTH_DIGITS ? decimal(data.subarray(at, space)) : undefined;
    const end = at + (length ?? 0);
    const equals = data.indexOf(EQUALS, space);
    if (length === undefined || end > data.length || equals === -1 || equals >= end || data[end - 1] !== NEWLINE) {
      throw damaged("Cannot read archive: an extended header has a malformed record", { offset: offset + at });
    }
    records.push([Buffer.from(data.subarray(space + 1, equals)).toString("latin1"), data.slice(equals + 1, end - 1)]);
    at = end;
  }
  return records;
}

/** Adds records to those in force. Sparse maps of several records (GNU.sparse 0.0) become one record as in 0.1. */
export function mergePax(inForce: PaxRecords, records: readonly PaxRecord[]): Map<string, Uint8Array> {
  const merged = new Map(inForce);
  const sparse: string[] = [];
  for (const [key, value] of records) {
    if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") sparse.push(Buffer.from(value).toString("latin1"));
    else if (value.length === 0 && !key.startsWith(XATTR)) merged.delete(key);
    else merged.set(key, value);
  }
  if (sparse.length > 0) merged.set("GNU.sparse.map", Buffer.from(sparse.join(",")));
  return merged;
}

/** A number record; undefined if there is none. @throws ToolError damaged if it is no decimal number */
export function paxNumber(records: PaxRecords, key: string, offset: number): number | undefined {
  const value = records.get(key);
  if (value === undefined) return undefined;
  const number = decimal(value);
  if (number === undefined) throw malformed(key, value, offset);
  return number;
}

/** A time record in nanoseconds since 1970; undefined if there is none. @throws ToolError damaged if it is no decimal fraction */
export function paxTime(records: PaxRecords, key: string, offset: number): bigint | undefined {
  const value = records.get(key);
  if (value === undefined) return undefined;
  const match = /^(-?)(\d{1,18})(?:\.(\d*))?$/.exec(Buffer.from(value).toString("latin1"));
  if (match === null) throw malformed(key, value, offset);
  const [, sign, seconds = "", fraction = ""] = match;
  const time = BigInt(seconds) * NANOSECONDS + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return sign === "-" ? -time : time;
}

/** A time as a record's value. */
export function formatPaxTime(timeNs: bigint): string {
  const magnitude = timeNs < 0n ? -timeNs : timeNs;
  const fraction = (magnitude % NANOSECONDS).toString().padStart(9, "0").replace(/0+$/, "");
  return `${timeNs < 0n ? "-" : ""}${magnitude / NANOSECONDS}${fraction === "" ? "" : `.${fraction}`}`;
}

/** The key of an extended attribute. */
export function xattrKey(name: Uint8Array): string {
  return XATTR + Buffer.from(name).toString("latin1").replaceAll("%", "%25").replaceAll("=", "%3D");
}

/** The extended attributes among the records, names as bytes. */
export function* paxXattrs(records: PaxRecords): Generator<readonly [name: Uint8Array, value: Uint8Array]> {
  for (const [key, value] of records) {
    if (!key.startsWith(XATTR)) continue;
    yield [Buffer.from(key.slice(XATTR.length).replaceAll("%3D", "=").replaceAll("%25", "%"), "latin1"), value];
  }
}

/** A whole number in decimal digits, if that is what the bytes are and it can be counted with. */
function decimal(bytes: Uint8Array): number | undefined {
  const text = Buffer.from(bytes).toString("latin1");
  const number = /^\d{1,16}$/.test(text) ? Number(text) : undefined;
  return number !== undefined && Number.isSafeInteger(number) ? number : undefined;
}

function malformed(key: string, value: Uint8Array, offset: number): Error {
  return damaged(`Cannot read archive: an extended header has ${key} "${displayName(value)}"`, { offset });
}

/** Length of a record whose length field is followed by `rest` bytes. */
function recordLength(rest: number): number {
  let length = rest + String(rest).length;
  if (rest + String(length).length > length) length = rest + String(length).length;
  return length;
}
