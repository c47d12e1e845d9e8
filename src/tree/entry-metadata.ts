/**
 * What an entry says of its file's owner, mode, time and attributes.
 *
 * ACLs are attributes (SCHILY.xattr.system.posix_acl_*), and where there is none, text (SCHILY.acl.*). Names in the text are those of the
 * machine that wrote it; like GNU tar we take the ids that this machine has for them.
 */
import { damaged } from "../errors.ts";
import { ACLS, parseAcl } from "../stream/tar/acl.ts";
import { displayName } from "../stream/tar/display-name.ts";
import { paxXattrs } from "../stream/tar/pax.ts";
import type { TarEntry } from "../stream/tar/read.ts";
import type { Libc } from "../sys/libc.ts";
import type { Metadata, OnMetadataLoss, Xattr } from "./metadata.ts";

/** Bound of the names of a file's attributes, each with a NUL (XATTR_LIST_MAX). */
const XATTR_NAMES_BYTES = 65536;

/** The metadata of an entry; what of its ACLs cannot be understood is told. @throws ToolError damaged if no file can have its attributes */
export function metadataOf(libc: Libc, entry: TarEntry, onLoss: OnMetadataLoss): Required<Metadata> {
  const { uid, gid, mode, mtimeNs, pax } = entry;
  const xattrs: Xattr[] = pax.size === 0 ? [] : xattrsOf(libc, entry, onLoss);
  return { owner: { uid, gid }, mode: mode & 0o7777, mtimeNs, xattrs };
}

function xattrsOf(libc: Libc, entry: TarEntry, onLoss: OnMetadataLoss): Xattr[] {
  const xattrs: Xattr[] = [...paxXattrs(entry.pax)];
  if (xattrs.reduce((sum, [name]) => sum + name.length + 1, 0) > XATTR_NAMES_BYTES)
    throw damaged(`Cannot extract "${displayName(entry.name)}": it has more attributes than a file can have`, {
      offset: entry.headerOffset,
    });
  xattrs.push(...aclsOf(libc, entry, xattrs, onLoss));
  return xattrs;
}

/** The ACLs that are there as text only. */
function* aclsOf(libc: Libc, { pax }: TarEntry, xattrs: readonly Xattr[], onLoss: OnMetadataLoss): Generator<Xattr> {
  for (const { attribute, record } of ACLS) {
    const text = pax.get(record);
    const name = Buffer.from(attribute);
    if (text === undefined || xattrs.some(([other]) => Buffer.compare(name, other) === 0)) continue;
    const acl = parseAcl(Buffer.from(text).toString("latin1"), (kind, account) => libc.accountId(kind, account));
    if (acl === undefined) onLoss("ACL", "its text is malformed");
    else yield [name, acl.value];
    for (const account of acl?.unknown ?? []) onLoss("ACL entry", `no such account here: ${displayName(Buffer.from(account, "latin1"))}`);
  }
}
