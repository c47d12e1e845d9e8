/**
 * drr_versioninfo of a BEGIN record: what kind of stream follows, and what a receiver must know to take it.
 *
 *     bit 63 … 58   57 … 2          1 0
 *     | reserved   | feature flags | header type: 1 a stream, 2 a package |
 *
 * @see OpenZFS 2.3 `include/sys/zfs_ioctl.h` (`DMU_BACKUP_FEATURE_*`, `DMU_GET_STREAM_HDRTYPE`, `DMU_GET_FEATUREFLAGS`)
 */

/** A DMU_BACKUP_FEATURE_* without its prefix, lower-case. */
export type FeatureName =
  | "dedup"
  | "dedupprops"
  | "sa_spill"
  | "embed_data"
  | "lz4"
  | "large_blocks"
  | "resuming"
  | "redacted"
  | "compressed"
  | "large_dnode"
  | "raw"
  | "zstd"
  | "holds"
  | "switch_to_large_blocks"
  | "longname"
  | "large_microzap";

/** Feature flags: their bits, and what a receiver must do to take the stream. */
const FEATURES: Readonly<Record<FeatureName, readonly [bit: number, receiverMust: string]>> = {
  dedup: [0, "restore blocks by reference, which OpenZFS 2 no longer does (`zstream redup` undoes it)"],
  dedupprops: [1, "know the deduplication properties of blocks"],
  sa_spill: [2, "receive spill blocks of system attributes"],
  embed_data: [16, "have the pool feature embedded_data"],
  lz4: [17, "have the pool feature lz4_compress"],
  large_blocks: [19, "have the pool feature large_blocks"],
  resuming: [20, "hold the interrupted receive that this stream continues"],
  redacted: [21, "have the pool feature redacted_datasets"],
  compressed: [22, "receive compressed blocks as they are"],
  large_dnode: [23, "have the pool feature large_dnode"],
  raw: [24, "have the pool feature encryption"],
  zstd: [25, "have the pool feature zstd_compress"],
  holds: [26, "receive holds"],
  switch_to_large_blocks: [27, "take large blocks on top of a snapshot received without them"],
  longname: [28, "have the pool feature longname"],
  large_microzap: [29, "have the pool feature large_microzap"],
};

const NAMES = Object.keys(FEATURES) as FeatureName[];
const FLAG_BITS = 56;

/** drr_versioninfo, taken apart. */
export interface VersionInfo {
  /** 1 a stream, 2 a package; nothing else is valid. */
  headerType: number; // DMU_GET_STREAM_HDRTYPE
  compound: boolean;
  features: ReadonlySet<FeatureName>;
  /** Bit numbers of flags that OpenZFS up to 2.3 does not define. */
  unknownFeatures: readonly number[];
}

/** Takes drr_versioninfo apart. */
export function decodeVersionInfo(versionInfo: bigint): VersionInfo {
  const headerType = Number(versionInfo & 3n);
  const flags = BigInt.asUintN(FLAG_BITS, versionInfo >> 2n);
  const features = new Set(NAMES.filter((name) => hasBit(flags, FEATURES[name][0])));
  const defined = new Set(NAMES.map((name) => FEATURES[name][0]));
  const unknownFeatures = Array.from({ length: FLAG_BITS }, (_, bit) => bit).filter((bit) => hasBit(flags, bit) && !defined.has(bit));
  return { headerType, compound: headerType === 2, features, unknownFeatures };
}

/** What a receiver must be able to do for a feature, as the end of a sentence. */
export function receiverMust(feature: FeatureName): string {
  return FEATURES[feature][1];
}

function hasBit(flags: bigint, bit: number): boolean {
  return ((flags >> BigInt(bit)) & 1n) === 1n;
}
