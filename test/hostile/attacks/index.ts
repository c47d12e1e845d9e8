/** All attacks. */
import type { Attack } from "../attack.ts";
import { HOOKS } from "./hooks.ts";
import { OUTER } from "./outer.ts";
import { ROOTFS } from "./rootfs.ts";
import { TEXTS } from "./texts.ts";

/** Every attack with the part of the archive that it is on. */
export const ATTACKS: readonly (Attack & { on: string })[] = [
  ...OUTER.map((attack) => ({ ...attack, on: "the archive" })),
  ...TEXTS.map((attack) => ({ ...attack, on: "its texts" })),
  ...HOOKS.map((attack) => ({ ...attack, on: "its hooks" })),
  ...ROOTFS.map((attack) => ({ ...attack, on: "its root filesystem" })),
];
