/**
 * A znode, a file's bonus buffer: system attributes, or in file systems up to version 4 a structure of 264 bytes:
 *
 *     byte 0          16         32         48          64       72        80        88          96         104
 *     | zp_atime[2] | zp_mtime | zp_ctime | zp_crtime | zp_gen | zp_mode | zp_size | zp_parent | zp_links | zp_xattr |
 *     112       120        128      136      144 …    176                                                      192
 *     | zp_rdev | zp_flags | zp_uid | zp_gid | zp_zap … | zp_acl: external object u64, size u32, version u16, count u16 | ACEs, 72 bytes |
 *
 * behind which a short symbolic link has its target.
 *
 * @see OpenZFS 2.3 `include/sys/zfs_znode.h` (`znode_phys_t`, `zfs_acl_phys_t`), `include/sys/zfs_sa.h`
 */
import { attributeIndex, type AttributeBuffer, type AttributeName, type Attributes } from "./attributes.ts";
import { DMU_OT } from "./object-table.ts";

/** Bytes of an old znode without a link's target. */
const OLD_ZNODE_BYTES = 264;
const SA_GENERATION_AT = 16; // SA_GEN_OFFSET
const OLD_GENERATION_AT = 64;
const OLD_ACL = { object: 176, size: 184, version: 188, aces: 192, acesBytes: 72 } as const;

const OLD_FIELDS: readonly [AttributeName, at: number, bytes: number][] = [
  ["ATIME", 0, 16],
  ["MTIME", 16, 16],
  ["CTIME", 32, 16],
  ["CRTIME", 48, 16],
  ["GEN", OLD_GENERATION_AT, 8],
  ["MODE", 72, 8],
  ["SIZE", 80, 8],
  ["PARENT", 88, 8],
  ["LINKS", 96, 8],
  ["XATTR", 104, 8],
  ["RDEV", 112, 8],
  ["FLAGS", 120, 8],
  ["UID", 128, 8],
  ["GID", 136, 8],
];

/** Finds the attributes in an old znode; returns what is wrong with it, if anything. */
export function locateInOldZnode(attributes: Attributes, buffer: AttributeBuffer): string | undefined {
  if (buffer.bytes < OLD_ZNODE_BYTES) return "its znode is cut off";
  attributes.areOld = true;
  const index = attributes.addBuffer(buffer);
  const aces: [AttributeName, number, number] = ["DACL_ACES", OLD_ACL.aces, oldAcesBytes(buffer)];
  for (const [name, at, bytes] of [...OLD_FIELDS, aces]) {
    attributes.put(attributeIndex(name) ?? 0, index, buffer.at + at, bytes);
  }
  return undefined;
}

/** Bytes of the ACEs in a znode; 0 if they are elsewhere, or in the form of before FUIDs. */
function oldAcesBytes({ view, at, littleEndian }: AttributeBuffer): number {
  const isHere = view.getBigUint64(at + OLD_ACL.object, littleEndian) === 0n;
  const isToday = view.getUint16(at + OLD_ACL.version, littleEndian) === 1;
  return isHere && isToday ? Math.min(view.getUint32(at + OLD_ACL.size, littleEndian), OLD_ACL.acesBytes) : 0;
}

/** The target of a symbolic link behind its old znode. */
export function oldLinkTarget({ view, at, bytes }: AttributeBuffer, size: number): Uint8Array | undefined {
  if (OLD_ZNODE_BYTES + size > bytes) return undefined;
  return new Uint8Array(view.buffer, view.byteOffset + at + OLD_ZNODE_BYTES, size).slice();
}

/**
 * The generation of a file, which another file that gets its object does not have. In system attributes it always stands at the same place.
 *
 * @returns undefined if the bonus buffer is none of a file
 */
export function generationIn(bonusType: number, bonus: Uint8Array, littleEndian: boolean): bigint | undefined {
  const view = new DataView(bonus.buffer, bonus.byteOffset, bonus.length);
  const at = bonusType === DMU_OT.sa ? headerBytes(view, littleEndian) + SA_GENERATION_AT : OLD_GENERATION_AT;
  const isFile = bonusType === DMU_OT.sa || bonusType === DMU_OT.znode;
  return isFile && at + 8 <= bonus.length ? view.getBigUint64(at, littleEndian) : undefined;
}

function headerBytes(view: DataView, littleEndian: boolean): number {
  return view.byteLength < 8 ? Infinity : (view.getUint16(4, littleEndian) >>> 10) * 8;
}
