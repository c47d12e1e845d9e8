/**
 * Sizes that did not fit their field. RubyGems' TarWriter, which osctl's archives are made with, writes a size in as many octal digits as it
 * takes and then cuts the field off at 12 bytes:
 *
 *     below   8 GiB   11 digits and a NUL                   right
 *     below  64 GiB   12 digits, no NUL                     right
 *     below 512 GiB   the first 12 of 13 digits             a 8th of the size, rounded down
 *     below   4 TiB   the first 12 of 14 digits             a 64th
 *     below  32 TiB   the first 12 of 15 digits             a 512th
 *
 * So where there are 12 digits, the data may end in a few places, and the right one is the first that has behind it what can stand behind a
 * member: a header, the end blocks, or the end of the input. The last digit is lost: what is known is where the padding ends, and the size
 * only but for the last few bytes, which are NULs where they are padding.
 *
 * @see rubygems lib/rubygems/package/tar_header.rb, `oct` and `PACK_FORMAT`
 */
import { ToolError } from "../../errors.ts";
import type { PeekSource } from "../peek-source.ts";
import { BLOCK_BYTES, decodeHeader } from "./header.ts";

/** A size that an entry may have. */
export interface SizeGuess {
  /** Least and largest size, in bytes, for which the padding ends at the same place. */
  readonly least: number;
  readonly most: number;
  /** Where the padding ends, counted from the beginning of the data. */
  readonly end: number;
}

const SIZE = { at: 124, length: 12 };
const FACTORS = [1, 8, 64, 512];
/** Bytes at the end of an archive that are looked through for anything but zeros; writers pad to their record, 10 KiB by default. */
const END_LIMIT_BYTES = 1024 * 1024;

/** The sizes that a header may stand for, in ascending order; none if its size field is closed and so means what it says. */
export function guessSizes(header: Uint8Array): SizeGuess[] {
  const digits = Buffer.from(header.subarray(SIZE.at, SIZE.at + SIZE.length)).toString("latin1");
  if (!/^[1-7][0-7]{11}$/.test(digits)) return [];
  return FACTORS.flatMap((factor) => guessesOf(Number.parseInt(digits, 8) * factor, factor));
}

function guessesOf(least: number, factor: number): SizeGuess[] {
  const most = least + factor - 1;
  const end = roundUp(most);
  if (roundUp(least) === end) return [{ least, most, end }];
  return [
    { least, most: least, end: least },
    { least: least + 1, most, end },
  ];
}

/** Whether the `ahead` bytes that come next, of data or padding, can be the last of a member. */
export async function endsBehind(source: PeekSource, ahead: number): Promise<boolean> {
  const there = await source.peek(ahead + BLOCK_BYTES);
  if (there.length < ahead + BLOCK_BYTES) return there.length === ahead;
  const kind = kindOf(there.subarray(ahead));
  if (kind !== "zero") return kind === "header";
  // zeros are found in data too
  const rest = (await source.peek(ahead + END_LIMIT_BYTES)).subarray(ahead);
  return rest.length < END_LIMIT_BYTES && rest.every((byte) => byte === 0);
}

function kindOf(block: Uint8Array): "header" | "zero" | "data" {
  try {
    return decodeHeader(block, 0) === "zero" ? "zero" : "header";
  } catch (error) {
    if (error instanceof ToolError) return "data";
    throw error;
  }
}

function roundUp(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}
