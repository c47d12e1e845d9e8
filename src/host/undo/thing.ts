/**
 * What a run may leave on a pool, and how each kind is undone. Everything here is data: it is written down before it is made, and read again
 * by whoever cleans up after a killed run.
 */
import type { Device } from "../../config/device.ts";
import type { Pool } from "../pool.ts";
import { CONFIG_KINDS } from "./thing-config.ts";
import { DATA_KINDS } from "./thing-data.ts";
import { SERVICE_KINDS } from "./thing-service.ts";

/** Something that has to be undone unless the run goes well. */
export type Thing = DataThing | ConfigThing | ServiceThing;

/** Data and where it is mounted. */
export type DataThing =
  /** Marked snapshots of a dataset and everything below it. */
  | { is: "snapshots"; dataset: string }
  /** A marked dataset with everything below it. */
  | { is: "dataset"; dataset: string }
  /** A directory or file of ours, under a name nobody else uses. */
  | { is: "path"; path: string }
  /** A directory of ours on its way from a name that nobody else uses to its final one. */
  | { is: "renamed"; from: string; to: string }
  /** A file system mounted where nobody looks. */
  | { is: "mount"; path: string };

/** Configuration files made for a container, and changes to files that were there. */
export type ConfigThing =
  /** Stays if another container uses it meanwhile. */
  | { is: "user" | "group"; name: string; container: string }
  | { is: "allocation"; range: string; blockIndex: number; blockCount: number; owner: string }
  | { is: "device"; group: string; device: Device; before: string | null }
  | { is: "hooks"; container: string }
  | { is: "map-hook"; container: string }
  | { is: "container"; container: string };

/** What was asked of osctld or of the operator's commands. */
export type ServiceThing =
  /** A container that was stopped; started by this command, or (null) by osctld. */
  | { is: "stopped"; container: string; startCommand: string[] | null }
  /** A user or group that osctld made; it refuses to delete one that is used. */
  | { is: "osctld-user" | "osctld-group"; name: string }
  /** A container that osctld was asked to take over, with data that it may be using since. */
  | { is: "adoption"; container: string };

/** What can be done with one kind of things. */
export interface ThingKind<T extends Thing> {
  /** Undoes it; what is gone already is no failure. @throws ToolError if it cannot be undone */
  undo(thing: T, pool: Pool, run: string): Promise<void> | void;
  /** Whether there is something to undo. */
  exists(thing: T, pool: Pool, run: string): Promise<boolean> | boolean;
  /** Says what it is, for a person. */
  describe(thing: T): string;
}

/** A table with one entry for each kind of some things. */
export type ThingKinds<T extends Thing> = { readonly [Is in T["is"]]: ThingKind<T & { is: Is }> };

const KINDS: ThingKinds<Thing> = { ...DATA_KINDS, ...CONFIG_KINDS, ...SERVICE_KINDS };

/** Undoes one thing; what is gone already is no failure. @throws ToolError if it cannot be undone */
export async function undoThing(thing: Thing, pool: Pool, run: string): Promise<void> {
  await kindOf(thing).undo(thing, pool, run);
}

/** Whether there is something to undo. */
export async function thingExists(thing: Thing, pool: Pool, run: string): Promise<boolean> {
  return await kindOf(thing).exists(thing, pool, run);
}

/** Says what a thing is, for a person. */
export function describeThing(thing: Thing): string {
  return kindOf(thing).describe(thing);
}

function kindOf(thing: Thing): ThingKind<Thing> {
  return KINDS[thing.is];
}
