/**
 * The table of commands. A verb's code is loaded when it is called; its name and summary stand here too, for the overview.
 */
import type { Command } from "./define.ts";

/** All commands, in the order of the overview. */
export const commands: readonly Command[] = [];
