/** Where the data of an import goes: the part of a target that differs between a zpool and a directory. */
import type { IdMaps } from "../../config/user.ts";
import type { ByteStream } from "../../stream/bytes.ts";

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

/** Room for one container's data, invisible as a container until {@link publish}. */
export interface Storage {
  /** The dataset that container.yml names; undefined where there are none. */
  readonly dataset: string | undefined;
  /** Checks that the data can be taken; nothing is changed. @throws ToolError exists, not-found, failed */
  check(format: DataFormat): Promise<void>;
  /** Takes one stream to its end. */
  receive(place: StreamPlace, bytes: ByteStream): Promise<void>;
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
}
