/** Where the data of an import goes: the part of a target that differs between a zpool and a directory. */
import type { ByteStream } from "../stream/bytes.ts";
import type { IdMaps } from "./container.ts";

/** Room for one container's data, invisible as a container until {@link publish}. */
export interface Storage {
  /** The dataset that container.yml names; undefined where there are none. */
  readonly dataset: string | undefined;
  /** Checks that the data can be taken; nothing is changed. @throws ToolError exists, not-found, failed */
  check(head: { format: "zfs" | "tar" }): Promise<void>;
  /** Takes one stream to its end. */
  receive(place: { dataset: string; kind: "base" | "incremental" }, bytes: ByteStream): Promise<void>;
  /** Finishes the data: maps set, transfer snapshots gone. */
  seal(maps: IdMaps, snapshots: readonly string[]): Promise<void>;
  /** Gives the data its final name. */
  publish(): Promise<void>;
  /** Removes our mark, once the container is there. */
  settle(): Promise<void>;
}
