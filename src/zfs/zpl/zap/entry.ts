/** What stands in a ZAP (ZFS Attribute Processor) object: names, and for each one or more integers. */

/** An entry; its integers stay where they are. */
export interface ZapEntry {
  /** Without the NUL at its end, one character for each byte. */
  name: string;
  /** Bytes of each integer: 1, 2, 4 or 8. */
  integerBytes: number;
  /** How many integers there are, and where. */
  integers: number;
  view: DataView;
  at: number;
  littleEndian: boolean;
}

/** The integers of an entry. */
export function zapIntegers({ integerBytes, integers, view, at, littleEndian }: ZapEntry): bigint[] {
  return Array.from({ length: integers }, (_, index) => integerAt(view, at + index * integerBytes, { integerBytes, littleEndian }));
}

function integerAt(view: DataView, at: number, { integerBytes, littleEndian }: { integerBytes: number; littleEndian: boolean }): bigint {
  if (integerBytes === 8) return view.getBigUint64(at, littleEndian);
  if (integerBytes === 4) return BigInt(view.getUint32(at, littleEndian));
  return BigInt(integerBytes === 2 ? view.getUint16(at, littleEndian) : view.getUint8(at));
}
