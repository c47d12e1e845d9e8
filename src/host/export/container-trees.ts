/** What format tar and images are made of: a container's files, at one moment or at several. */
import type { FileStatus } from "../../sys/linux.ts";
import type { Graft } from "../../tree/grafts.ts";
import type { Loss } from "../../tree/loss.ts";
import type { Owners } from "../../tree/owners.ts";
import type { HostHead } from "../head.ts";
import type { Tell } from "../tell.ts";
import type { Run } from "../undo/run.ts";
import type { Lifecycle } from "./lifecycle.ts";

/** The root filesystem as it was at one moment, to be read until the next one is asked for, and the one after that. */
export interface ContainerTree {
  /** Its directory. */
  readonly root: string;
  /** What the container mounts in it. */
  readonly grafts: readonly Graft[];
  /** Turns owners that the mount shows into those that the container sees, where they differ. */
  readonly owners?: Owners | undefined;
  /** Of a zpool, the snapshot's name. */
  readonly snapshot?: string;
  /** Unix time, seconds. */
  readonly createdAt: number;
  /** What is another one whenever something has been changed about a file. @param volume path of the graft that it is in; "" for the root's own */
  readonly version?: (status: FileStatus, volume: string) => string;
}

/** A container's files. */
export interface ContainerTrees {
  readonly head: HostHead;
  /** Whether the configuration mounts subdatasets, which are in the tree. */
  readonly hasSubdatasets: boolean;
  /** Whether the container will be stopped. */
  readonly willStop: boolean;
  /** Snapshots that there are, the oldest first; those of a run that is under way are none. @throws ToolError usage where there are no snapshots */
  earlier(): Promise<readonly EarlierSnapshot[]>;
  /**
   * The tree at each of those snapshots, and at last as it is now, where the container is stopped if it has to be. Ending the iteration undoes what
   * was made for it.
   */
  trees(snapshots: readonly EarlierSnapshot[]): AsyncGenerator<ContainerTree>;
}

/** A snapshot of a container's root dataset. */
export interface EarlierSnapshot {
  readonly name: string;
  /** Unix time, seconds. */
  readonly createdAt: number;
  /** Subdatasets that have it too, relative to the root dataset. */
  readonly subdatasets: ReadonlySet<string>;
}

/** Options of opening a container's files. */
export interface TreesOptions {
  consistent: boolean;
  /** Unix time, seconds. */
  now: number;
  lifecycle: Lifecycle;
  run: Run;
  signal: AbortSignal;
  tell: Tell;
  /** Told of whatever has no place in the tree. */
  onLoss: (loss: Loss) => void;
}
