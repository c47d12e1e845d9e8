/**
 * POSIX ACLs: as the extended attribute that the kernel has them in, and as the text that GNU tar and star write (SCHILY.acl.access and
 * SCHILY.acl.default).
 *
 * The attribute is a version, 2, in 32 bits, then for each entry its tag and its permissions in 16 bits each and an id in 32, little endian;
 * the entries in the order of the tags, those of one tag in that of the ids. In the text an entry is `user:1000:rwx`, without a name for
 * the owner, the group, the mask and all others; entries are parted by commas or line ends. Instead of an id there may be a name, which star
 * lets the id follow: `user:joe:rwx:1000`.
 *
 * @see linux/include/uapi/linux/posix_acl_xattr.h, acl(5), star(5)
 */

/** The attributes that hold ACLs, and the records that tell of them. */
export const ACLS: readonly { attribute: string; record: string }[] = [
  { attribute: "system.posix_acl_access", record: "SCHILY.acl.access" },
  { attribute: "system.posix_acl_default", record: "SCHILY.acl.default" },
];

/** Gives the id of a name; undefined if it is not known. */
export type ResolveAccount = (kind: "user" | "group", name: Uint8Array) => number | undefined;

/** A text that was read. */
export interface ParsedAcl {
  /** The attribute. */
  value: Uint8Array;
  /** Entries that were left out, as their names are not known. */
  unknown: readonly string[];
}

interface AclEntry {
  tag: number;
  permissions: number;
  id: number;
}

const TAGS = { owner: 0x01, user: 0x02, owningGroup: 0x04, group: 0x08, mask: 0x10, other: 0x20 } as const;
const VERSION = 2;
const HEAD_BYTES = 4;
const ENTRY_BYTES = 8;
const NO_ID = 0xffffffff;
/** More entries than an attribute of 64 KiB holds. */
const ENTRIES_LIMIT = 8192;

/** Writes an ACL as text with ids; undefined if the attribute is none that we know. */
export function formatAcl(value: Uint8Array): string | undefined {
  const lines = decodeAcl(value)?.map(formatEntry);
  return lines === undefined || lines.includes(undefined) ? undefined : lines.join("\n") + "\n";
}

/** Reads an ACL from text, one character per byte; undefined if it is malformed. */
export function parseAcl(text: string, resolve: ResolveAccount): ParsedAcl | undefined {
  const entries: AclEntry[] = [];
  const unknown: string[] = [];
  const lines = text.split(/[,\n]/);
  if (lines.length > ENTRIES_LIMIT) return undefined;
  for (const line of lines) {
    const stated = line.replace(/#.*/, "").trim();
    if (stated === "") continue;
    const entry = parseEntry(stated, resolve);
    if (entry === undefined) return undefined;
    if (entry === "unknown") unknown.push(stated);
    else entries.push(entry);
  }
  return { value: encodeAcl(entries), unknown };
}

/** What the owning group may do, which without the ACL would be what its mask says; undefined if it does not say. */
export function groupPermissions(value: Uint8Array): number | undefined {
  const entries = decodeAcl(value);
  const permissionsOf = (tag: number): number | undefined => entries?.find((entry) => entry.tag === tag)?.permissions;
  const own = permissionsOf(TAGS.owningGroup);
  return own === undefined ? undefined : own & (permissionsOf(TAGS.mask) ?? 7);
}

/** An ACL with other ids; as it is if the attribute is none that we know. */
export function mapAcl(value: Uint8Array, map: (kind: "user" | "group", id: number) => number): Uint8Array {
  const entries = decodeAcl(value)?.map((entry) => {
    if (entry.tag !== TAGS.user && entry.tag !== TAGS.group) return entry;
    return { ...entry, id: map(entry.tag === TAGS.user ? "user" : "group", entry.id) };
  });
  return entries === undefined ? value : encodeAcl(entries);
}

function decodeAcl(value: Uint8Array): AclEntry[] | undefined {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (value.length < HEAD_BYTES || (value.length - HEAD_BYTES) % ENTRY_BYTES !== 0 || view.getUint32(0, true) !== VERSION) return undefined;
  const entries: AclEntry[] = [];
  for (let at = HEAD_BYTES; at < value.length; at += ENTRY_BYTES) {
    entries.push({ tag: view.getUint16(at, true), permissions: view.getUint16(at + 2, true), id: view.getUint32(at + 4, true) });
  }
  return entries;
}

function encodeAcl(entries: readonly AclEntry[]): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + entries.length * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, VERSION, true);
  const ordered = entries.toSorted((a, b) => a.tag - b.tag || a.id - b.id);
  for (const [index, { tag, permissions, id }] of ordered.entries()) {
    const at = HEAD_BYTES + index * ENTRY_BYTES;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, permissions, true);
    view.setUint32(at + 4, id, true);
  }
  return bytes;
}

function formatEntry({ tag, permissions, id }: AclEntry): string | undefined {
  const letters = `${permissions & 4 ? "r" : "-"}${permissions & 2 ? "w" : "-"}${permissions & 1 ? "x" : "-"}`;
  switch (tag) {
    case TAGS.owner:
      return `user::${letters}`;
    case TAGS.user:
      return `user:${id}:${letters}`;
    case TAGS.owningGroup:
      return `group::${letters}`;
    case TAGS.group:
      return `group:${id}:${letters}`;
    case TAGS.mask:
      return `mask::${letters}`;
    case TAGS.other:
      return `other::${letters}`;
    default:
      return undefined;
  }
}

function parseEntry(text: string, resolve: ResolveAccount): AclEntry | "unknown" | undefined {
  const match = /^(user|u|group|g|mask|m|other|o):(?:([^:\0]*):)?([rwx-]{1,3})(?::(\d{1,10}))?$/.exec(text);
  if (match === null) return undefined;
  const [, kind = "", name = "", letters = "", idBehind] = match;
  const permissions = (letters.includes("r") ? 4 : 0) | (letters.includes("w") ? 2 : 0) | (letters.includes("x") ? 1 : 0);
  if (kind.startsWith("m")) return { tag: TAGS.mask, permissions, id: NO_ID };
  if (kind.startsWith("o")) return { tag: TAGS.other, permissions, id: NO_ID };
  const isUser = kind.startsWith("u");
  if (name === "") return { tag: isUser ? TAGS.owner : TAGS.owningGroup, permissions, id: NO_ID };
  const id = idOf(idBehind ?? name) ?? resolve(isUser ? "user" : "group", Buffer.from(name, "latin1"));
  return id === undefined ? "unknown" : { tag: isUser ? TAGS.user : TAGS.group, permissions, id };
}

function idOf(text: string): number | undefined {
  return /^\d{1,10}$/.test(text) && Number(text) < NO_ID ? Number(text) : undefined;
}
