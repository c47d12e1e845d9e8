/**
 * What a send stream is, told from its records without their payloads: which snapshots it brings, from where it starts, how large it is, and
 * what a ZFS must be able to do to receive it.
 */
import { decodeVersionInfo, receiverMust, type FeatureName } from "./features.ts";
import { RECORD_BYTES } from "./record.ts";
import { damagedStream } from "./stream-damage.ts";
import type { BeginRecord, RecordKind, StreamRecord } from "./stream-record.ts";

/** A snapshot that a stream brings. */
export interface DescribedSnapshot {
  /** Dataset and snapshot as the sender called them. */
  dataset: string;
  snapshot: string;
  /** Decimal; absent for a full stream, which starts from nothing. */
  fromGuid?: string;
  toGuid: string;
  /** When the snapshot was made, in seconds since 1970. */
  created: number;
}

/** A stream or package as a whole, fit for JSON. */
export interface StreamDescription {
  /** Whether it is a package of streams (`zfs send -I`, `-R`, `-p`). */
  compound: boolean;
  byteOrder: "little" | "big" | undefined;
  /** What is in it; undefined if nothing says so. */
  content: "filesystem" | "volume" | undefined;
  /** In the order of the streams. */
  snapshots: DescribedSnapshot[];
  /** Whether blocks are encrypted, as they are in the pool (`zfs send -w`). */
  encrypted: boolean;
  features: FeatureName[];
  /** Bits of features that OpenZFS up to 2.3 does not define. */
  unknownFeatures: number[];
  /** What a receiving ZFS has to do: "have the pool feature large_blocks". */
  receiverMust: string[];
  /** How many records there are, by kind; kinds that do not occur are left out. */
  records: Partial<Record<RecordKind, number>>;
  /** Size of the stream, in bytes. */
  bytes: number;
  /** Bytes of file data as they are sent, and once they are decompressed. */
  dataBytes: number;
  logicalBytes: number;
}

/** The nvlist of a package holds no more (see nvlist.ts). */
const SNAPSHOTS_LIMIT = 400_000;
const VOLUME = 3; // DMU_OST_ZVOL

/** Takes the records of a stream, in order. */
export class StreamPortrait {
  readonly #what: string;
  readonly #snapshots: DescribedSnapshot[] = [];
  readonly #features = new Set<FeatureName>();
  readonly #unknownFeatures = new Set<number>();
  readonly #records: Partial<Record<RecordKind, number>> = {};
  #first: BeginRecord | undefined;
  #content: StreamDescription["content"];
  #bytes = 0;
  #dataBytes = 0;
  #logicalBytes = 0;

  /** @param what what messages call the stream */
  constructor(what: string) {
    this.#what = what;
  }

  /** @throws ToolError damaged for more snapshots than a package can have */
  take(record: StreamRecord): void {
    const { kind, payloadBytes } = record;
    this.#records[kind] = (this.#records[kind] ?? 0) + 1;
    this.#bytes += RECORD_BYTES + payloadBytes;
    if (kind === "begin") this.#begin(record);
    else if (kind === "write" || kind === "writeEmbedded") {
      this.#dataBytes += payloadBytes;
      this.#logicalBytes += record.logicalBytes;
    }
  }

  /** What the records so far say. */
  describe(): StreamDescription {
    const features = [...this.#features];
    return {
      compound: this.#first?.compound ?? false,
      byteOrder: this.#first === undefined ? undefined : this.#first.littleEndian ? "little" : "big",
      content: this.#content,
      snapshots: [...this.#snapshots],
      encrypted: this.#features.has("raw"),
      features,
      unknownFeatures: [...this.#unknownFeatures],
      receiverMust: features.map(receiverMust),
      records: { ...this.#records },
      bytes: this.#bytes,
      dataBytes: this.#dataBytes,
      logicalBytes: this.#logicalBytes,
    };
  }

  #begin(begin: BeginRecord): void {
    this.#first ??= begin;
    const { features, unknownFeatures } = decodeVersionInfo(begin.versionInfo);
    for (const feature of features) this.#features.add(feature);
    for (const bit of unknownFeatures) this.#unknownFeatures.add(bit);
    if (begin.compound) return;
    if (this.#snapshots.length === SNAPSHOTS_LIMIT) throw damagedStream(this.#what, `it has more than ${SNAPSHOTS_LIMIT} snapshots`, begin.offset); // prettier-ignore
    this.#content ??= begin.objsetType === VOLUME ? "volume" : "filesystem";
    this.#snapshots.push(describeSnapshot(begin));
  }
}

function describeSnapshot({ toName, toGuid, fromGuid, creationTime }: BeginRecord): DescribedSnapshot {
  const [dataset = "", snapshot = ""] = toName.split("@", 2);
  const from = fromGuid === 0n ? {} : { fromGuid: String(fromGuid) };
  return { dataset, snapshot, ...from, toGuid: String(toGuid), created: Number(creationTime) };
}
