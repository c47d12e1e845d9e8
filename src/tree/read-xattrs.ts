/** The extended attributes of a file. */
import { displayName } from "../stream/tar/display-name.ts";
import { LibcError, type Libc } from "../sys/libc.ts";
import type { OnMetadataLoss, Xattr } from "./metadata.ts";
import type { Owners } from "./owners.ts";

/** Whom to ask about ids in attributes, and to tell what cannot be read. */
export interface ReadXattrsOptions {
  owners: Owners | undefined;
  onLoss: OnMetadataLoss;
}

/** Reads all attributes, in the order of their names' bytes; none where the file system has none. */
export function readXattrs(libc: Libc, fd: number, { owners, onLoss }: ReadXattrsOptions): Xattr[] {
  const found: Xattr[] = [];
  for (const attribute of attempt("xattrs", onLoss, () => libc.listXattrs(fd)) ?? []) {
    const value = attempt(`xattr ${displayName(attribute)}`, onLoss, () => libc.getXattr(fd, attribute));
    if (value !== undefined) found.push(owners?.xattr([attribute, value]) ?? [attribute, value]);
  }
  return found.toSorted(([a], [b]) => Buffer.compare(a, b));
}

function attempt<T>(what: string, onLoss: OnMetadataLoss, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof LibcError)) throw error;
    if (what !== "xattrs" || error.code !== "ENOTSUP") onLoss(what, error.message);
    return undefined;
  }
}
