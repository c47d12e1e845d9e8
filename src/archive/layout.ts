/**
 * The layout of a container archive: which members there are, what they are called, in which order they come.
 *
 *     metadata.yml                      what the archive holds
 *     config/                           then user.yml, group.yml (where the source has them), container.yml
 *     hooks/                            only with hooks: <kind>, or <kind>.d/ and <kind>.d/<script>
 *     rootfs/                           once as `rootfs`, for format zfs again as `rootfs/`, then one per subdataset
 *     rootfs/[<dataset>/]base.dat[.gz]         full ZFS stream of each dataset, root first
 *     rootfs/[<dataset>/]incremental.dat[.gz]  ... and what changed until the container stood still
 *     rootfs/base.tar.gz                format tar: the root filesystem instead of streams
 *     snapshots.yml                     format zfs: transfer snapshots, newest first
 *     ctar/manifest.json                ours; upstream ignores it
 *
 * A stream may be cut into any number of members of the same name, one behind the other: `tar -xOf` joins them.
 *
 * @see vpsAdminOS `libosctl/lib/libosctl/exporter/{base,zfs,tar}.rb` and `osctld/lib/osctld/container/importer.rb`, 24.05
 */

export const METADATA = "metadata.yml";
export const USER_CONFIG = "config/user.yml";
export const GROUP_CONFIG = "config/group.yml";
export const CONTAINER_CONFIG = "config/container.yml";
export const SNAPSHOTS = "snapshots.yml";
export const MANIFEST = "ctar/manifest.json";
export const ROOTFS_TAR = "rootfs/base.tar.gz";

/** Mode fields as upstream writes them, with file type bits. */
export const FILE_MODE = 0o100644;
export const DIRECTORY_MODE = 0o040755;

/** Largest member: one byte below 8 GiB, the last size that eleven octal digits hold. */
export const MEMBER_LIMIT_BYTES: number = 8 * 1024 ** 3 - 1;

/** A stream's place: which dataset (relative, "" for the root), full or incremental. */
export interface StreamPlace {
  readonly dataset: string;
  readonly kind: "base" | "incremental";
}

/** Member name of a ZFS stream. */
export function streamMember(place: StreamPlace, gzipped: boolean): string {
  return `rootfs/${place.dataset === "" ? "" : `${place.dataset}/`}${place.kind}.dat${gzipped ? ".gz" : ""}`;
}

/** What a member is, told by its name. Anything unknown is `other` and passed over, as upstream does. */
export type MemberKind =
  | { is: "metadata" | "user" | "group" | "container" | "snapshots" | "manifest" | "rootfs-tar" | "other" }
  | { is: "hook"; name: string }
  | ({ is: "stream"; gzipped: boolean } & StreamPlace);

const TEXT_KINDS = new Map<string, MemberKind>([
  [METADATA, { is: "metadata" }],
  [USER_CONFIG, { is: "user" }],
  [GROUP_CONFIG, { is: "group" }],
  [CONTAINER_CONFIG, { is: "container" }],
  [SNAPSHOTS, { is: "snapshots" }],
  [MANIFEST, { is: "manifest" }],
  [ROOTFS_TAR, { is: "rootfs-tar" }],
]);

/** Classifies the name of a regular file member. */
export function memberKind(name: string): MemberKind {
  const known = TEXT_KINDS.get(name);
  if (known !== undefined) return known;
  if (name.startsWith("hooks/")) return { is: "hook", name: name.slice("hooks/".length) };
  const stream = /^rootfs\/(?:(.+)\/)?(base|incremental)\.dat(\.gz)?$/.exec(name);
  if (stream === null) return { is: "other" };
  return { is: "stream", dataset: stream[1] ?? "", kind: stream[2] as StreamPlace["kind"], gzipped: stream[3] !== undefined };
}
