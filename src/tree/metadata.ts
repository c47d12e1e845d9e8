/**
 * Giving a file the owner, attributes, times and mode that an archive tells of, as far as the running user may.
 *
 * The order matters: a change of owner takes away set-user-ID bits and capabilities; an ACL sets mode bits; and the mode comes last, since
 * it may take the way to the file from us. Who could not be made the owner gets no set-user-ID file either.
 */
import { LibcError, type Libc } from "../sys/libc.ts";
import { displayName } from "../stream/tar/display-name.ts";

/** What to set; what is not there is left as it is. */
export interface Metadata {
  owner?: { uid: number; gid: number };
  xattrs?: readonly (readonly [name: Uint8Array, value: Uint8Array])[];
  mtimeNs?: bigint;
  /** Permission bits; not for a symbolic link. */
  mode?: number;
}

/** Where a file is: a name in an open directory, or with no name that directory. */
export interface Place {
  dirFd: number;
  name: Uint8Array;
}

/** Told of what cannot be set. */
export type OnMetadataLoss = (what: string, reason: string) => void;

/** Refusals that leave the rest of an extraction worth doing; a full or failing disk does not. */
const LOSSES: ReadonlySet<string> = new Set([
  "EPERM",
  "EACCES",
  "ENOTSUP",
  "EINVAL",
  "ENOSYS",
  "E2BIG",
  "ERANGE",
  "EOVERFLOW",
  "ENAMETOOLONG",
  "EMLINK",
]);
/** The largest id; the one above it means "leave it". */
const ID_LIMIT = 2 ** 32 - 2;
const SET_ID_BITS = 0o6000;

/** Sets what is given. @throws LibcError where going on makes no sense */
export function applyMetadata(libc: Libc, { dirFd, name }: Place, metadata: Metadata, onLoss: OnMetadataLoss): void {
  const { owner, xattrs = [], mtimeNs, mode } = metadata;
  const owned = owner === undefined || changeOwner(libc, { dirFd, name }, owner, onLoss);
  for (const [attribute, value] of xattrs) setXattr(libc, { dirFd, name }, { attribute, value }, onLoss);
  if (mtimeNs !== undefined) attempt("times", onLoss, () => libc.setTimes(dirFd, name, { atimeNs: mtimeNs, mtimeNs }));
  if (mode === undefined) return;
  const safe = owned ? mode : mode & ~SET_ID_BITS;
  if (safe !== mode) onLoss("set-user-ID and set-group-ID bits", "the owner could not be set");
  attempt("mode", onLoss, () => libc.chmod(dirFd, name, safe));
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

function changeOwner(libc: Libc, { dirFd, name }: Place, { uid, gid }: { uid: number; gid: number }, onLoss: OnMetadataLoss): boolean {
  if (isId(uid) && isId(gid)) return attempt("owner", onLoss, () => libc.chown(dirFd, name, uid, gid));
  onLoss("owner", "it is no valid id");
  return false;
}

function isId(id: number): boolean {
  return id >= 0 && id <= ID_LIMIT;
}

function setXattr(libc: Libc, { dirFd, name }: Place, xattr: { attribute: Uint8Array; value: Uint8Array }, onLoss: OnMetadataLoss): void {
  const { attribute, value } = xattr;
  const what = `xattr ${displayName(attribute)}`;
  if (attribute.includes(0)) return onLoss(what, "its name holds a NUL byte");
  try {
    attempt(what, onLoss, () => libc.setXattr(dirFd, name, attribute, value));
  } catch (error) {
    // ext4 says so of an attribute that does not fit beside the inode, on a disk with room enough
    if (!(error instanceof LibcError) || error.code !== "ENOSPC") throw error;
    onLoss(what, error.message);
  }
}
