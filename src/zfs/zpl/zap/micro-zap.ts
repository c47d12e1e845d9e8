/**
 * A micro ZAP: one block of entries of 64 bytes, each with one 64-bit integer.
 *
 *     byte 0            8      16          64
 *     | mz_block_type | salt | flags … | entries |       entry: | value u64 | collision u32 | pad | name, NUL, 50 bytes |
 *
 * @see OpenZFS 2.3 `include/sys/zap_impl.h` (`mzap_phys_t`, `mzap_ent_phys_t`)
 */
import type { ZapEntry } from "./entry.ts";

const ENTRY_BYTES = 64;
const NAME_AT = 14;
const VALUE_BYTES = 8;

/** The entries of a micro ZAP's block. @param littleEndian byte order of its numbers */
export function microZapEntries(block: Uint8Array, littleEndian: boolean): ZapEntry[] {
  const entries: ZapEntry[] = [];
  const bytes = Buffer.from(block.buffer, block.byteOffset, block.length);
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  for (let at = ENTRY_BYTES; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) {
    if (bytes[at + NAME_AT] === 0) continue;
    let end = at + NAME_AT;
    while (end < at + ENTRY_BYTES && bytes[end] !== 0) end += 1;
    const name = bytes.toString("latin1", at + NAME_AT, end);
    entries.push({ name, integerBytes: VALUE_BYTES, integers: 1, view, at, littleEndian });
  }
  return entries;
}
