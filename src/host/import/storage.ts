/** Where the data of an import goes: the part of a target that differs between a zpool and a directory. */
import type { IdMaps } from "../../config/user.ts";
import type { ByteStream, SeekableSource } from "../../stream/bytes.ts";
import type { EntrySource } from "../../tree/selected-entries.ts";

/** A stream's place: which dataset (relative, "" for the root), full or incremental. */
export interface StreamPlace {
  readonly dataset: string;
  readonly kind: "base" | "incremental";
}

/** What an archive says of its data. */
export interface DataFormat {
  readonly format: "zfs" | "tar";
  /** Subdatasets, relative, parents first. */
  readonly datasets: readonly string[];
}

/** What takes the files in ZFS streams, where there is no ZFS; satisfies the archive room's `FilesTarget`. */
export interface FilesStorage {
  /** Keeps a stream until all have come. */
  keep(bytes: ByteStream): Promise<SeekableSource>;
  /** Makes the container's files. */
  extract(entries: EntrySource): Promise<void>;
}

/** Room for one container's data, invisible as a container until {@link publish}. */
export interface Storage {
  /** The dataset that container.yml names; undefined where there are none. */
  readonly dataset: string | undefined;
  /** Checks that the data can be taken; nothing is changed. @throws ToolError exists, not-found, failed */
  check(format: DataFormat): Promise<void>;
  /** Undefined where ZFS streams are received. */
  readonly files: FilesStorage | undefined;
  /** Takes one stream to its end: a ZFS stream, or for format tar the root filesystem's tar. */
  receive(place: StreamPlace, bytes: ByteStream): Promise<void>;
  /** For format tar in place of that: makes the container's files. */
  extract(entries: EntrySource): Promise<void>;
  /**
   * Finishes the data: maps set, transfer snapshots gone.
   *
   * @param maps undefined where ZFS is to map nothing
   * @returns the datasets, by their final names, that still need the maps because this ZFS has none
   */
  seal(maps: IdMaps | undefined, snapshots: readonly string[]): Promise<readonly string[]>;
  /** Gives the data its final name. */
  publish(): Promise<void>;
  /** Removes our mark, once the container is there. */
  settle(): Promise<void>;
  /** Lets go of what it has open: all data has come, or no more is wanted. */
  close(): void;
}
