/**
 * Giving a file the owner, attributes, times and mode that an archive tells of, as far as the running user may.
 *
 * The order matters: a change of owner takes away set-user-ID bits and capabilities; an ACL sets mode bits; and the mode comes last, since
 * it may take the way to the file from us. Who could not be made the owner gets no set-user-ID file either, and a group does not get what
 * the mask of a lost ACL, which the mode has in its place, would let others do.
 */
import { ACLS, groupPermissions } from "../stream/tar/acl.ts";
import { displayName } from "../stream/tar/display-name.ts";
import { LibcError, type Libc } from "../sys/libc.ts";
import { HERE } from "./directory-cursor.ts";

/** An extended attribute. */
export type Xattr = readonly [name: Uint8Array, value: Uint8Array];

/** What to set; what is not there is left as it is. */
export interface Metadata {
  owner?: { uid: number; gid: number };
  xattrs?: readonly Xattr[];
  mtimeNs?: bigint;
  /** Permission bits; not for a symbolic link. */
  mode?: number;
}

/** Told of what cannot be set. */
export type OnMetadataLoss = (what: string, reason: string) => void;

/** Refusals that leave the rest of an extraction worth doing; a full or failing disk does not. */
const LOSSES: ReadonlySet<string> = new Set(["EPERM", "EACCES", "ENOTSUP", "EINVAL", "ENOSYS", "E2BIG", "ERANGE", "EOVERFLOW", "EMLINK"]);
/** The largest id; the one above it means "leave it". */
const ID_LIMIT = 2 ** 32 - 2;
const SET_ID_BITS = 0o6000;
/** Times that every file system keeps, in nanoseconds: 32 bits of seconds. */
const TIME_LIMIT = 2n ** 31n * 1_000_000_000n;

/** Sets what is given on an open file. @throws LibcError where going on makes no sense */
export function applyMetadata(libc: Libc, fd: number, metadata: Metadata, onLoss: OnMetadataLoss): void {
  const { owner, xattrs = [], mtimeNs, mode } = metadata;
  const owned = owner === undefined || changeOwner(libc, fd, owner, onLoss);
  const refused = xattrs.filter((xattr) => !setXattr(libc, fd, xattr, onLoss));
  if (mtimeNs !== undefined) setTimes(libc, fd, mtimeNs, onLoss);
  if (mode === undefined) return;
  const safe = owned ? mode : mode & ~SET_ID_BITS;
  if (safe !== mode) onLoss("set-user-ID and set-group-ID bits", "the owner could not be set");
  attempt("mode", onLoss, () => libc.chmod(fd, withoutMask(safe, refused)));
}

/** Does something that may be refused. @returns whether it was done @throws LibcError for other failures */
export function attempt(what: string, onLoss: OnMetadataLoss, action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof LibcError) || !LOSSES.has(error.code)) throw error;
    onLoss(what, error.message);
    return false;
  }
}

function changeOwner(libc: Libc, fd: number, { uid, gid }: { uid: number; gid: number }, onLoss: OnMetadataLoss): boolean {
  if (isId(uid) && isId(gid)) return attempt("owner", onLoss, () => libc.chown(fd, uid, gid));
  onLoss("owner", "it is no valid id");
  return false;
}

function isId(id: number): boolean {
  return id >= 0 && id <= ID_LIMIT;
}

/** @returns whether it was set */
function setXattr(libc: Libc, fd: number, [attribute, value]: Xattr, onLoss: OnMetadataLoss): boolean {
  const what = `xattr ${displayName(attribute)}`;
  if (attribute.includes(0)) {
    onLoss(what, "its name holds a NUL byte");
    return false;
  }
  try {
    return attempt(what, onLoss, () => libc.setXattr(fd, attribute, value));
  } catch (error) {
    // ext4 says so of an attribute that does not fit beside the inode, on a disk with room enough
    if (!(error instanceof LibcError) || error.code !== "ENOSPC") throw error;
    onLoss(what, error.message);
    return false;
  }
}

/** A file system takes the nearest time that it can keep, and does not say so. */
function setTimes(libc: Libc, fd: number, mtimeNs: bigint, onLoss: OnMetadataLoss): void {
  const set = attempt("times", onLoss, () => libc.setTimes(fd, { atimeNs: mtimeNs, mtimeNs }));
  const isOrdinary = mtimeNs >= -TIME_LIMIT && mtimeNs < TIME_LIMIT;
  if (!set || isOrdinary || libc.status(fd, HERE).mtimeNs === mtimeNs) return;
  onLoss("times", "the file system keeps no such time");
}

/** The mode without what its group bits, which stand for the mask, would give the group if the ACL is not there. */
function withoutMask(mode: number, refused: readonly Xattr[]): number {
  const acl = refused.find(([attribute]) => Buffer.from(attribute).toString("latin1") === ACLS[0]?.attribute);
  const group = acl === undefined ? undefined : groupPermissions(acl[1]);
  return group === undefined ? mode : mode & (~0o070 | (group << 3));
}
