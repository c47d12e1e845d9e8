/**
 * System attributes (SA): what file systems of version 5 and later keep about a file, in its bonus buffer and, what does not fit there, in
 * its spill block.
 *
 *     byte 0            4                 6
 *     | sa_magic u32 | sa_layout_info u16 | sa_lengths u16 … | attributes, each padded to 8 bytes |
 *
 * The low 10 bits of sa_layout_info are the number of a layout, a list of attributes; the 6 above them the header's size in units of 8 bytes.
 * An attribute's length is registered; where that is 0 it is the next of sa_lengths. Layouts and registry are ZAPs of the file system: name of
 * an attribute → its number in bits 0 to 15 and its length in bits 24 to 39, number of a layout → numbers of attributes.
 *
 * @see OpenZFS 2.3 `include/sys/sa_impl.h`, `module/zfs/sa.c`
 */
import { attributeIndex, type AttributeBuffer, type Attributes } from "./attributes.ts";

const MAGIC = 0x2f505a;
const LENGTHS_AT = 6;
const PREFIX = "ZPL_";

/** A registered attribute. */
interface SystemAttribute {
  /** Its index among those that are read. */
  index: number | undefined;
  /** 0 if it varies. */
  bytes: number;
}

/** The layouts of a file system. */
export class SystemAttributes {
  readonly #registry = new Map<number, SystemAttribute>();
  readonly #layouts = new Map<number, readonly SystemAttribute[]>();

  /** Takes an entry of the registry. */
  register(name: string, value: bigint): void {
    const bytes = Number((value >> 24n) & 0xffffn); // ATTR_LENGTH
    const index = name.startsWith(PREFIX) ? attributeIndex(name.slice(PREFIX.length)) : undefined;
    this.#registry.set(Number(value & 0xffffn), { index, bytes }); // ATTR_NUM
  }

  /** Takes a layout; false if one of its attributes is not registered. */
  addLayout(number: number, attributes: readonly number[]): boolean {
    const layout = attributes.map((attribute) => this.#registry.get(attribute)).filter((attribute) => attribute !== undefined);
    this.#layouts.set(number, layout);
    return layout.length === attributes.length;
  }

  /** Finds the attributes in a buffer; returns what is wrong with it, if anything. */
  locate(attributes: Attributes, { view, at, bytes }: Omit<AttributeBuffer, "littleEndian">): string | undefined {
    if (bytes < 8) return "its system attributes are cut off";
    const littleEndian = view.getUint32(at, true) === MAGIC;
    if (!littleEndian && view.getUint32(at, false) !== MAGIC) return "its system attributes have no magic";
    const info = view.getUint16(at + 4, littleEndian);
    const headerBytes = (info >>> 10) * 8;
    const layout = this.#layouts.get(info & 0x3ff);
    if (layout === undefined) return `its system attributes are in layout ${info & 0x3ff}, which there is not`;
    const buffer = attributes.addBuffer({ view, at, bytes, littleEndian });
    let lengthAt = LENGTHS_AT;
    let next = headerBytes;
    for (const attribute of layout) {
      const isVariable = attribute.bytes === 0;
      if (isVariable && lengthAt + 2 > headerBytes) return "its system attributes have fewer lengths than their layout";
      if (headerBytes < 8 || headerBytes > bytes) return "the header of its system attributes is cut off";
      const length = isVariable ? view.getUint16(at + lengthAt, littleEndian) : attribute.bytes;
      if (isVariable) lengthAt += 2;
      if (next + length > bytes) return "its system attributes reach beyond their buffer";
      if (attribute.index !== undefined) attributes.put(attribute.index, buffer, at + next, length);
      next += Math.ceil(length / 8) * 8;
    }
    return undefined;
  }
}
