/**
 * Pax extended headers: records `<length> <keyword>=<value>\n`, the length counting all of the record, in decimal.
 *
 * @see POSIX.1-2017 pax "pax Extended Header"
 */
import { damaged } from "../../errors.ts";

/** Keywords and their values; values are bytes, as names and extended attributes need not be UTF-8. */
export type PaxRecords = Map<string, Uint8Array>;

const SPACE = 0x20;
const EQUALS = 0x3d;
const NEWLINE = 0x0a;

/** Encodes records in the order of the map. */
export function encodePax(records: ReadonlyMap<string, Uint8Array | string>): Uint8Array {
  const encoder = new TextEncoder();
  const parts = [...records].map(([keyword, value]) => {
    const bytes = typeof value === "string" ? encoder.encode(value) : value;
    const rest = encoder.encode(` ${keyword}=`);
    const withoutLength = rest.length + bytes.length + 1;
    let length = withoutLength + String(withoutLength).length;
    if (String(length).length > String(withoutLength).length) length += 1;
    return Buffer.concat([encoder.encode(String(length)), rest, bytes, Uint8Array.of(NEWLINE)]);
  });
  return Buffer.concat(parts);
}

/** Decodes records. @param offset of the data in the archive, for messages. @throws ToolError damaged */
export function decodePax(data: Uint8Array, offset: number): PaxRecords {
  const records: PaxRecords = new Map();
  let at = 0;
  while (at < data.length && data[at] !== 0) {
    const space = data.indexOf(SPACE, at);
    const digits = space < 0 ? "" : new TextDecoder("latin1").decode(data.subarray(at, space));
    const end = at + (/^\d{1,9}$/.test(digits) ? Number(digits) : 0);
    const equals = data.indexOf(EQUALS, space);
    const whole = end > space && end <= data.length && data[end - 1] === NEWLINE && equals > space && equals < end;
    if (!whole) throw damaged("Cannot read tar archive: a pax record is broken", { offset: offset + at });
    records.set(new TextDecoder().decode(data.subarray(space + 1, equals)), data.slice(equals + 1, end - 1));
    at = end;
  }
  return records;
}
