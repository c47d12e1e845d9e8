/**
 * The image store: images kept on a pool, in one OCI image layout, so that whoever knows layouts can read it in place (skopeo
 * and umoci those images whose manifests are of the OCI's types, not of Docker's).
 *
 *     oci-layout              {"imageLayoutVersion":"1.0.0"}
 *     index.json              the images by name (stored-image.ts)
 *     blobs/sha256/<hex>      every manifest, configuration and layer, once
 *     .ctar/<run>.<random>/   leases: what a run holds on to (lease.ts)
 *
 * A name never points to something that is not there, whatever runs at the same time and whenever a run is killed:
 *
 * - A run that needs blobs holds each of them in a lease, a directory of its own. One that it brings is written there, its digest checked as it
 *   passes, and made durable. One that the store has already gets a second name there, by link(2): a prune that removes the first name does not
 *   take the content away.
 * - A change is made under the lock of the store (flock(2) on its directory, which ends with the process): blobs are linked from the lease to
 *   their place, their directory is made durable, and only then a new index.json replaces the old one, atomically.
 * - A prune, under the same lock, removes what no name in index.json reaches, and the leases of runs that are no more. What an import that is
 *   still at work has lies in its lease, where no prune looks.
 *
 * So a kill leaves a lease, which the next import or prune removes, or blobs in their place that no name reaches yet, which the next prune
 * removes; index.json is one of before or one of after.
 *
 * @see OCI image-spec v1.1 image-layout.md
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { ToolError } from "../../errors.ts";
import { listNames, makeDirectory, replaceFile } from "../../sys/files.ts";
import { splitDigest, type Digest } from "../digest.ts";

/** Only its owner, root, looks into a store: what is in images can be secret, and have set-user-ID bits. */
export const DIRECTORY_MODE: number = 0o700;
/** Of files that others replace, never write. */
export const FILE_MODE: number = 0o600;
/** What stands in `oci-layout`. */
export const LAYOUT_MARKER: string = '{"imageLayoutVersion":"1.0.0"}';
const LEASES = ".ctar";

/** Makes what is missing of a store; its parent must exist. @throws ToolError failed */
export function createLayout(directory: string): void {
  makeDirectory(directory, DIRECTORY_MODE);
  for (const part of ["blobs", LEASES]) makeDirectory(path.join(directory, part), DIRECTORY_MODE);
  const marker = path.join(directory, "oci-layout");
  if (fs.existsSync(marker)) return;
  // The root of a new dataset lets everybody look.
  fs.chmodSync(directory, DIRECTORY_MODE);
  replaceFile(marker, LAYOUT_MARKER, FILE_MODE);
}

/** Checks that a directory is a store. @throws ToolError not-found */
export function requireLayout(directory: string): void {
  if (fs.existsSync(path.join(directory, "oci-layout"))) return;
  throw new ToolError("not-found", `Cannot find images in "${directory}": none were imported there`, {
    hints: ["ctar image import ARCHIVE"],
  });
}

/** Where the names are. */
export function indexFile(directory: string): string {
  return path.join(directory, "index.json");
}

/** Where a blob is. */
export function blobFile(directory: string, digest: Digest): string {
  const { algorithm, hex } = splitDigest(digest);
  return path.join(directory, "blobs", algorithm, hex);
}

/** The directories of blobs, by their algorithms. */
export function blobDirectories(directory: string): { algorithm: string; directory: string }[] {
  const blobs = path.join(directory, "blobs");
  return listNames(blobs).map((algorithm) => ({ algorithm, directory: path.join(blobs, algorithm) }));
}

/** Where the leases are. */
export function leasesDirectory(directory: string): string {
  return path.join(directory, LEASES);
}
