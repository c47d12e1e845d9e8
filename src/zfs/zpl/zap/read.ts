/**
 * Reads all entries of a ZAP object, micro or fat.
 *
 * A fat ZAP's first block is its header; its pointer table, in the block's second half or in blocks of its own, tells for each prefix of a
 * name's hash in which block the leaf is.
 *
 *     byte 0             8         16       24           32         40 …     48 …
 *     | zap_block_type | zap_magic | zt_blk | zt_numblks | zt_shift | … 104 | padding | second half: embedded pointer table, u64 |
 *
 * The block type tells the byte order.
 *
 * @see OpenZFS 2.3 `include/sys/zap_impl.h` (`zap_phys_t`), `module/zfs/zap.c`
 */
import type { ZapEntry } from "./entry.ts";
import { leafEntries } from "./leaf.ts";
import { microZapEntries } from "./micro-zap.ts";

/** Blocks of the object that a ZAP lies in. */
export interface ZapBlocks {
  readonly blockBytes: number;
  /** @throws ToolError damaged if there is no such block */
  block(id: number): Promise<Uint8Array>;
  /** The error for what is wrong with the ZAP. */
  damage(reason: string): Error;
}

/** Low half of the block type, whose highest bit is set. */
const TYPE = { leaf: 0, header: 1, micro: 3 } as const;
const HIGH_BIT = 0x80000000;
const MAGIC = 0x2f52ab2ab;
/** Largest micro ZAP (`zap_micro_max_size`); leaves are smaller. */
const MAX_BLOCK_BYTES = 1024 * 1024;
const POINTER_BYTES = 8;

/** All entries of a ZAP, a block's at a time, in no order. @throws ToolError damaged */
export async function* readZap(blocks: ZapBlocks): AsyncGenerator<readonly ZapEntry[]> {
  if (blocks.blockBytes > MAX_BLOCK_BYTES) throw blocks.damage(`its ZAP has blocks of ${blocks.blockBytes} bytes`);
  const first = await blocks.block(0);
  const littleEndian = first[0] !== 0x80;
  const type = blockType(first, littleEndian);
  if (type === TYPE.micro) yield microZapEntries(first, littleEndian);
  else if (type === TYPE.header) yield* fatZapEntries(blocks, first, littleEndian);
  else throw blocks.damage("it is no ZAP");
}

async function* fatZapEntries(blocks: ZapBlocks, header: Uint8Array, littleEndian: boolean): AsyncGenerator<readonly ZapEntry[]> {
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (Number(view.getBigUint64(8, littleEndian)) !== MAGIC) throw blocks.damage("its ZAP has no magic");
  const isPowerOfTwo = (header.length & (header.length - 1)) === 0;
  if (!isPowerOfTwo) throw blocks.damage(`its ZAP has blocks of ${header.length} bytes`);
  for (const id of await leafIds(blocks, header, littleEndian)) {
    const leaf = await blocks.block(id);
    if (blockType(leaf, littleEndian) !== TYPE.leaf) throw blocks.damage(`block ${id} of its ZAP is no leaf`);
    const entries = leafEntries(leaf, littleEndian);
    if (typeof entries === "string") throw blocks.damage(entries);
    yield entries;
  }
}

/** Numbers of all leaf blocks, in the order that they lie in. */
async function leafIds(blocks: ZapBlocks, header: Uint8Array, littleEndian: boolean): Promise<readonly number[]> {
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const first = Number(view.getBigUint64(16, littleEndian));
  const count = Number(view.getBigUint64(24, littleEndian));
  const ids = new Set<number>();
  if (count === 0) addPointers(ids, header.subarray(header.length / 2), littleEndian);
  for (let id = first; id < first + count; id += 1) addPointers(ids, await blocks.block(id), littleEndian);
  if (ids.has(0)) throw blocks.damage("the pointer table of its ZAP has a gap");
  return [...ids].toSorted((a, b) => a - b);
}

function addPointers(ids: Set<number>, table: Uint8Array, littleEndian: boolean): void {
  const view = new DataView(table.buffer, table.byteOffset, table.length);
  for (let at = 0; at < table.length; at += POINTER_BYTES) {
    const high = view.getUint32(littleEndian ? at + 4 : at, littleEndian);
    const low = view.getUint32(littleEndian ? at : at + 4, littleEndian);
    ids.add(high * 2 ** 32 + low);
  }
}

/** The low half of a block's type, or undefined if it has none. */
function blockType(block: Uint8Array, littleEndian: boolean): number | undefined {
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  const high = view.getUint32(littleEndian ? 4 : 0, littleEndian);
  return high === HIGH_BIT ? view.getUint32(littleEndian ? 0 : 4, littleEndian) : undefined;
}
