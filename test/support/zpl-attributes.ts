/**
 * System attributes as OpenZFS writes them, in either byte order.
 *
 * @see OpenZFS 2.3 `module/zfs/zfs_sa.c` (`zfs_attr_table`), `include/sys/sa_impl.h`
 */
import type { ZapSketch } from "./zap.ts";

/** Attributes, in the order of their numbers: name, bytes (0: varies), how their bytes are swapped. */
const TABLE: readonly [name: string, bytes: number, swap: number][] = [
  ["ZPL_ATIME", 16, 0],
  ["ZPL_MTIME", 16, 0],
  ["ZPL_CTIME", 16, 0],
  ["ZPL_CRTIME", 16, 0],
  ["ZPL_GEN", 8, 0],
  ["ZPL_MODE", 8, 0],
  ["ZPL_SIZE", 8, 0],
  ["ZPL_PARENT", 8, 0],
  ["ZPL_LINKS", 8, 0],
  ["ZPL_XATTR", 8, 0],
  ["ZPL_RDEV", 8, 0],
  ["ZPL_FLAGS", 8, 0],
  ["ZPL_UID", 8, 0],
  ["ZPL_GID", 8, 0],
  ["ZPL_PAD", 32, 0],
  ["ZPL_ZNODE_ACL", 88, 3],
  ["ZPL_DACL_COUNT", 8, 0],
  ["ZPL_SYMLINK", 0, 3],
  ["ZPL_SCANSTAMP", 32, 3],
  ["ZPL_DACL_ACES", 0, 4],
  ["ZPL_DXATTR", 0, 3],
  ["ZPL_PROJID", 8, 0],
];
const NUMBERS: ReadonlyMap<string, number> = new Map(TABLE.map(([name], number) => [name.slice(4), number]));
const COMMON = [
  "MODE",
  "SIZE",
  "GEN",
  "UID",
  "GID",
  "PARENT",
  "FLAGS",
  "ATIME",
  "MTIME",
  "CTIME",
  "CRTIME",
  "LINKS",
  "DACL_COUNT",
  "DACL_ACES",
];

/** Layouts by number. */
const LAYOUTS: Readonly<Record<number, readonly string[]>> = {
  2: COMMON,
  3: [...COMMON, "SYMLINK"],
  4: [...COMMON, "RDEV"],
  5: [...COMMON, "DXATTR"],
  6: [...COMMON, "XATTR"],
  7: ["SYMLINK"],
  8: ["DXATTR"],
  9: ["RDEV"],
};

/** Values by attribute; a time is one number of nanoseconds, 0 if left out. */
export type AttributeValues = Readonly<Record<string, number | bigint | Uint8Array>>;

/** The registry's entries. */
export function registryEntries(): ZapSketch[] {
  return TABLE.map(([name, bytes, swap], number) => ({ name, value: BigInt(number) | (BigInt(swap) << 16n) | (BigInt(bytes) << 24n) }));
}

/** The layouts' entries. */
export function layoutEntries(): ZapSketch[] {
  return Object.entries(LAYOUTS).map(([number, names]) => ({
    name: number,
    integerBytes: 2,
    value: names.map((name) => NUMBERS.get(name) ?? 0),
  }));
}

/** A bonus buffer or spill block. @param layout number in {@link LAYOUTS} */
export function attributeBuffer(layout: number, values: AttributeValues, littleEndian = true): Uint8Array {
  const encoded = (LAYOUTS[layout] ?? []).map((name) => {
    const [, bytes = 0] = TABLE[NUMBERS.get(name) ?? 0] ?? [];
    const value = values[name] ?? (bytes === 0 ? new Uint8Array(0) : 0n);
    return { isVariable: bytes === 0, bytes: typeof value === "object" ? value : encodeNumber(BigInt(value), bytes, littleEndian) };
  });
  const lengths = encoded.filter(({ isVariable }) => isVariable).map(({ bytes }) => bytes.length);
  const headerBytes = Math.max(8, Math.ceil((6 + 2 * lengths.length) / 8) * 8);
  const header = new DataView(new ArrayBuffer(headerBytes));
  header.setUint32(0, 0x2f505a, littleEndian);
  header.setUint16(4, layout | ((headerBytes / 8) << 10), littleEndian);
  lengths.forEach((length, index) => header.setUint16(6 + index * 2, length, littleEndian));
  return Buffer.concat([
    new Uint8Array(header.buffer),
    ...encoded.map(({ bytes }) => Buffer.concat([bytes], Math.ceil(bytes.length / 8) * 8)),
  ]);
}

/** A spill block of 512 bytes. */
export function spillBlock(layout: number, values: AttributeValues): Uint8Array {
  return Buffer.concat([attributeBuffer(layout, values)], 512);
}

function encodeNumber(value: bigint, bytes: number, littleEndian: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  if (bytes === 8) view.setBigUint64(0, BigInt.asUintN(64, value), littleEndian);
  else {
    const nanoseconds = ((value % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
    view.setBigInt64(0, (value - nanoseconds) / 1_000_000_000n, littleEndian);
    view.setBigUint64(8, nanoseconds, littleEndian);
  }
  return new Uint8Array(view.buffer);
}
