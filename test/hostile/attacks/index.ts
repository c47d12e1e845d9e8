/** All attacks. */
import type { Attack } from "../attack.ts";
import { HOOKS } from "./hooks.ts";
import { OUTER } from "./outer.ts";
import { ROOTFS } from "./rootfs.ts";
import { STREAMS } from "./streams.ts";
import { TEXTS } from "./texts.ts";

/** Every attack that a directory pool can be the target of, with the part of the archive that it is on. */
export const ATTACKS: readonly (Attack & { on: string })[] = [
  ...OUTER.map((attack) => ({ ...attack, on: "the archive" })),
  ...TEXTS.map((attack) => ({ ...attack, on: "its texts" })),
  ...HOOKS.map((attack) => ({ ...attack, on: "its hooks" })),
  ...ROOTFS.map((attack) => ({ ...attack, on: "its root filesystem" })),
];

/** Attacks that need a pool of ZFS. */
export const STREAM_ATTACKS: readonly (Attack & { on: string })[] = STREAMS.map((attack) => ({ ...attack, on: "its streams" }));
