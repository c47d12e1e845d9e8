/**
 * A verb of the command line as a value: its arguments, its help, what it does.
 *
 * The definitions extend citty's, whose parser turns a command line into values; arguments.ts refuses before that what citty lets pass
 * silently. Keys are camelCase and become the names of the values; on the command line they are written in kebab-case: `asId` is `--as-id`.
 */
import type { EnumArgDef, PositionalArgDef, StringArgDef, BooleanArgDef } from "citty";
import type { Context } from "./context.ts";

/** What a shell offers for a value: ids of containers, names of pools or images, paths. */
export type Completes = "container" | "pool" | "image" | "file" | "directory";

/** An argument told by its place; required unless `required: false`. */
export interface PositionalArg extends Pick<PositionalArgDef, "required" | "default"> {
  readonly type: "positional";
  readonly description: string;
  readonly completes?: Completes | readonly Completes[];
  /** Takes all that follow; only the last one can. Its value is a list. */
  readonly repeatable?: boolean;
}

/** An option with a value: `--pool tank`. */
export interface StringArg extends Pick<StringArgDef, "required" | "default"> {
  readonly type: "string";
  readonly description: string;
  /** What stands for the value in the help: `POOL`. */
  readonly valueHint: string;
  readonly completes?: Completes;
  /** One letter. */
  readonly alias?: string;
  /** May be given more than once; its value is a list. */
  readonly repeatable?: boolean;
}

/** An option with one of a few values: `--compression gzip`. */
export interface EnumArg extends Pick<EnumArgDef, "required" | "default"> {
  readonly type: "enum";
  readonly description: string;
  readonly options: readonly string[];
  /** One letter. */
  readonly alias?: string;
}

/** An option that is there or not: `--json`; false unless `default: true`. */
export interface BooleanArg extends Pick<BooleanArgDef, "default"> {
  readonly type: "boolean";
  readonly description: string;
  /** One letter. */
  readonly alias?: string;
  /** Can be said both ways: `--[no-]consistent`. */
  readonly negatable?: boolean;
}

/** One argument of a verb. */
export type ArgDefinition = PositionalArg | OptionDefinition;
/** One argument of a verb that is told by its name. */
export type OptionDefinition = StringArg | EnumArg | BooleanArg;
/** The arguments of a verb, positional ones in their order. */
export type Args = Readonly<Record<string, ArgDefinition>>;

/** The values that a verb gets for its arguments. */
export type Values<A extends Args> = { readonly [Key in keyof A]: Value<A[Key]> };

type Value<D extends ArgDefinition> = D extends { type: "boolean" }
  ? boolean
  : D extends { repeatable: true }
    ? readonly string[]
    : D extends { type: "enum"; options: readonly (infer Option)[] }
      ? Option | Absent<D>
      : string | Absent<D>;

type Absent<D extends ArgDefinition> = D extends { default: string } | { required: true }
  ? never
  : D extends { type: "positional"; required: false }
    ? undefined
    : D extends { type: "positional" }
      ? never
      : undefined;

/** A verb: what it is called, what it takes, what it does. */
export interface VerbDefinition<A extends Args> {
  readonly name: string;
  /** A few words for the list of commands, without a period. */
  readonly summary: string;
  /** Paragraphs for its own help. */
  readonly description?: string;
  readonly args: A;
  /** Commands to learn from, each of lines of at most 69 columns, which man(1) shows whole in 80. */
  readonly examples: readonly string[];
  /** Does it. @returns an exit code other than 0 where the run went well but with losses */
  run(args: Values<A>, context: Context): Promise<number | void>;
}

/** A verb whose arguments only it knows. */
export type Verb = VerbDefinition<Args>;

/** A verb as the table of commands names it; its code is loaded when it is asked for. */
export interface VerbEntry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Verb>;
}

/** Several commands under one name: `ctar ct export`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
  /** Variables that all of them read, and what each does. */
  readonly environment?: readonly (readonly [name: string, effect: string])[];
}

/** What can be called. */
export type Command = VerbEntry | CommandGroup;

/** Defines a verb; the types of its values follow from its arguments. */
export function defineVerb<const A extends Args>(definition: VerbDefinition<A>): Verb {
  return definition;
}

/** The argument's name on the command line: `asId` is `as-id`. */
export function kebabCase(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The positional arguments, in order. */
export function positionalsOf(args: Args): [string, PositionalArg][] {
  return Object.entries(args).filter((entry): entry is [string, PositionalArg] => entry[1].type === "positional");
}

/** The arguments told by name. */
export function optionsOf(args: Args): [string, OptionDefinition][] {
  return Object.entries(args).filter((entry): entry is [string, OptionDefinition] => entry[1].type !== "positional");
}

/** Whether the value is a list. */
export function isRepeatable(definition: ArgDefinition | undefined): boolean {
  return definition !== undefined && "repeatable" in definition && definition.repeatable;
}
