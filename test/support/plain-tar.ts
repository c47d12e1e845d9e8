/**
 * A second, simpler reader of ustar archives, to look at and to damage what was written: whole archives in memory, octal sizes, no extensions.
 *
 * @see POSIX.1-2017 pax, "ustar Interchange Format"
 */

const BLOCK_BYTES = 512;

/** One entry; several may have the same name. */
export interface PlainMember {
  name: string;
  typeflag: string;
  /** Mode field, type bits included. */
  mode: number;
  content: Buffer;
  /** Header, content and padding as they stand in the archive. */
  blocks: Buffer;
  offset: number;
}

/** Takes an archive apart. */
export function readPlainTar(archive: Buffer): PlainMember[] {
  const members: PlainMember[] = [];
  let at = 0;
  while (at + BLOCK_BYTES <= archive.length && archive[at] !== 0) {
    const header = archive.subarray(at, at + BLOCK_BYTES);
    const size = octal(header, 124, 12);
    const end = at + BLOCK_BYTES * (1 + Math.ceil(size / BLOCK_BYTES));
    const [name, prefix] = [text(header, 0, 100), text(header, 345, 155)];
    members.push({
      name: prefix === "" ? name : `${prefix}/${name}`,
      typeflag: text(header, 156, 1),
      mode: octal(header, 100, 8),
      content: archive.subarray(at + BLOCK_BYTES, at + BLOCK_BYTES + size),
      blocks: archive.subarray(at, end),
      offset: at,
    });
    at = end;
  }
  return members;
}

/** Puts an archive together again, with its end blocks. */
export function joinPlainTar(members: readonly PlainMember[]): Buffer {
  return Buffer.concat([...members.map(({ blocks }) => blocks), Buffer.alloc(2 * BLOCK_BYTES)]);
}

function text(header: Buffer, from: number, length: number): string {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString();
}

function octal(header: Buffer, from: number, length: number): number {
  return Number.parseInt(text(header, from, length).trim() || "0", 8);
}
