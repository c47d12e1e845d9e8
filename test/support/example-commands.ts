/**
 * Commands to try the command line frame with; as a program, they are run by the real `main`.
 */
import { EventEmitter } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { defineVerb, type Command, type Verb } from "../../src/commands/define.ts";
import { EXIT_CODES, ToolError } from "../../src/errors.ts";
import { main } from "../../src/main.ts";

/** One argument of every kind; prints the values it got. */
export const packVerb: Verb = defineVerb({
  name: "pack",
  summary: "Put things into a box",
  description: "Things are put in the order given.",
  args: {
    box: { type: "positional", description: "Where to put them, or -" },
    things: { type: "positional", description: "What to put there", required: false, repeatable: true },
    compression: { type: "enum", description: "How to squeeze", options: ["auto", "off", "gzip"], default: "auto", alias: "c" },
    asId: { type: "string", description: "Name on the label", valueHint: "ID" },
    level: { type: "string", description: "How hard", valueHint: "N", alias: "l", default: "6" },
    zfsProperty: { type: "string", description: "A property to set", valueHint: "K=V", repeatable: true },
    consistent: { type: "boolean", description: "Hold still meanwhile", default: true, negatable: true },
    largeBlocks: { type: "boolean", description: "Keep big ones whole", negatable: true },
    noHooks: { type: "boolean", description: "Leave hooks out" },
    json: { type: "boolean", description: "For scripts", alias: "j" },
  },
  examples: ["ctar pack box.tar one two", "ctar pack - one | ctar unpack -"],
  async run(args, context) {
    const level: string = args.level;
    const asId: string | undefined = args.asId;
    const compression: "auto" | "off" | "gzip" = args.compression;
    const lists: readonly string[][] = [[...args.things], [...args.zfsProperty]];
    await context.print(JSON.stringify({ ...args, level, asId, compression, lists: lists.length }));
    return args.json ? EXIT_CODES.losses : undefined;
  },
});

/** Ends in one way or another. */
const failVerb: Verb = defineVerb({
  name: "fail",
  summary: "Fail in some way",
  args: { how: { type: "positional", description: "The way" } },
  examples: [],
  async run({ how }, context) {
    if (how === "tool")
      throw new ToolError("busy", 'Cannot take "a\u001b[2J": held', { cause: new Error("one\ntwo"), hints: ["ctar wait"] });
    if (how === "bug") throw new TypeError("no such thing");
    if (how === "stray") setTimeout(() => new EventEmitter().emit("error", new Error("orphan")), 10);
    if (how === "rejection") void Promise.reject(new RangeError("out of it"));
    if (how === "never") await new Promise(() => undefined);
    if (how === "print") for (;;) await context.print("x".repeat(1000));
    try {
      context.talk("ready");
      await sleep(60_000, undefined, { signal: context.signal });
    } finally {
      if (how === "slow") await sleep(2000);
      context.talk("cleaned up");
    }
  },
});

/** The table of the examples. */
export const exampleCommands: readonly Command[] = [
  { name: "pack", summary: packVerb.summary, load: async () => packVerb },
  { name: "fail", summary: failVerb.summary, load: async () => failVerb },
  { name: "ct", summary: "The old spellings", commands: [{ name: "pack", summary: packVerb.summary, load: async () => packVerb }] },
];

if (import.meta.main) void main(process.argv.slice(2), exampleCommands);
