/** Arguments and exit codes in words, for the help and the man page. */
import { EXIT_CODES } from "../../errors.ts";
import { kebabCase, optionsOf, positionalsOf, type Args, type OptionDefinition, type PositionalArg } from "../define.ts";

/** What stands for an argument, and what it is. */
export interface DescribedPositional {
  /** `<ctid>`, `[archive]`, `[path...]` */
  readonly label: string;
  readonly description: string;
}

/** An option as it is written, and what it does. */
export interface DescribedOption {
  /** `-c` */
  readonly letter?: string | undefined;
  /** `--compression`, `--[no-]verify` */
  readonly name: string;
  /** `auto|off|gzip`, `POOL` */
  readonly value?: string | undefined;
  readonly description: string;
}

/** Exit codes and their meanings. */
export const EXIT_CODE_ROWS: readonly (readonly [code: string, meaning: string])[] = [
  [`${EXIT_CODES.done}`, "done"],
  [`${EXIT_CODES.failed}`, "failed"],
  [`${EXIT_CODES.usage}`, "wrong usage"],
  [`${EXIT_CODES.losses}`, "done, with losses"],
  [`${EXIT_CODES["not-found"]}`, "not found"],
  [`${EXIT_CODES.busy}`, "busy"],
  [`${EXIT_CODES.damaged}`, "archive damaged"],
  [`${EXIT_CODES.zfs}`, "zfs refused"],
  [`${EXIT_CODES.bug}`, "a bug in ctar"],
  [`${EXIT_CODES.interrupted}`, "interrupted"],
];

/** Options of every verb. */
export const GLOBAL_OPTIONS: readonly DescribedOption[] = [
  { name: "--verbose", description: "Show where an error comes from" },
  { letter: "-h", name: "--help", description: "Show this help" },
];

/** How a verb is called. @param command the verb as typed: `ctar export` */
export function usageOf(command: string, args: Args): string {
  return [command, "[options]", ...describePositionals(args).map(({ label }) => label)].join(" ");
}

/** The arguments told by their place. */
export function describePositionals(args: Args): DescribedPositional[] {
  return positionalsOf(args).map(([key, definition]) => ({
    label: labelOf(key, definition),
    description: withNotes(definition.description, notesOf("default", definition.default)),
  }));
}

/** The arguments told by name. */
export function describeOptions(args: Args): DescribedOption[] {
  return optionsOf(args).map(([key, definition]) => describeOption(key, definition));
}

function labelOf(key: string, { repeatable, required, default: fallback }: PositionalArg): string {
  const name = `${kebabCase(key)}${repeatable === true ? "..." : ""}`;
  return required === false || fallback !== undefined ? `[${name}]` : `<${name}>`;
}

function describeOption(key: string, definition: OptionDefinition): DescribedOption {
  const isNegatable = definition.type === "boolean" && definition.negatable === true;
  return {
    letter: definition.alias === undefined ? undefined : `-${definition.alias}`,
    name: `--${isNegatable ? "[no-]" : ""}${kebabCase(key)}`,
    value: definition.type === "boolean" ? undefined : definition.type === "enum" ? definition.options.join("|") : definition.valueHint,
    description: withNotes(definition.description, noteOption(definition)),
  };
}

function noteOption(definition: OptionDefinition): string[] {
  if (definition.type === "boolean") return definition.negatable === true ? [`default: ${definition.default === true ? "yes" : "no"}`] : [];
  const repeatable = definition.type === "string" && definition.repeatable === true ? ["repeatable"] : [];
  const required = definition.required === true ? ["required"] : [];
  return [...required, ...repeatable, ...notesOf("default", definition.default)];
}

function notesOf(label: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`${label}: ${value}`];
}

function withNotes(description: string, notes: readonly string[]): string {
  return notes.length === 0 ? description : `${description} (${notes.join(", ")})`;
}
