/**
 * Owners as a container sees them, of a file system that shows them as the host does: vpsAdminOS's ZFS applies the maps of a dataset between
 * disk and mount, to owners and ids in ACLs. A capability that was given in the container names its root by the host's id, on disk too; seen
 * from inside it is one without that name.
 *
 * @see vpsfreecz/zfs `zfs_ugid_map.c`; linux/include/uapi/linux/capability.h (`vfs_ns_cap_data`)
 */
import { ACLS, mapAcl } from "../stream/tar/acl.ts";
import type { Xattr } from "./metadata.ts";

/** `count` ids from `nsId` on in the container are those from `hostId` on. */
export interface IdRange {
  readonly nsId: number;
  readonly hostId: number;
  readonly count: number;
}

const CAPABILITY = "security.capability";
const REVISION_2 = 0x02;
const REVISION_3 = 0x03;
const REVISION_2_BYTES = 20;
const REVISION_3_BYTES = 24;
const REVISION_AT = 3;

/** Turns what the host sees into what the container sees; ids of no range stay what they are. */
export class Owners {
  readonly #maps: { readonly uid: readonly IdRange[]; readonly gid: readonly IdRange[] };

  constructor(maps: { readonly uid: readonly IdRange[]; readonly gid: readonly IdRange[] }) {
    this.#maps = maps;
  }

  uid(id: number): number {
    return inside(this.#maps.uid, id);
  }

  gid(id: number): number {
    return inside(this.#maps.gid, id);
  }

  /** An attribute with the ids in it turned. */
  xattr([name, value]: Xattr): Xattr {
    const text = Buffer.from(name).toString("latin1");
    if (ACLS.some(({ attribute }) => attribute === text)) {
      return [name, mapAcl(value, (kind, id) => (kind === "user" ? this.uid(id) : this.gid(id)))];
    }
    return text === CAPABILITY ? [name, this.#capability(value)] : [name, value];
  }

  #capability(value: Uint8Array): Uint8Array {
    if (value.length !== REVISION_3_BYTES || value[REVISION_AT] !== REVISION_3) return value;
    const mapped = value.slice();
    const view = new DataView(mapped.buffer);
    const root = this.uid(view.getUint32(REVISION_2_BYTES, true));
    view.setUint32(REVISION_2_BYTES, root, true);
    if (root !== 0) return mapped;
    mapped[REVISION_AT] = REVISION_2;
    return mapped.subarray(0, REVISION_2_BYTES);
  }
}

function inside(ranges: readonly IdRange[], id: number): number {
  const range = ranges.find(({ hostId, count }) => id >= hostId && id < hostId + count);
  return range === undefined ? id : id - range.hostId + range.nsId;
}
