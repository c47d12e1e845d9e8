/**
 * Reads the words of a command line one by one, and refuses what does not fit the definition.
 *
 * Spellings: `--name value`, `--name=value`, `-c value`, `-cvalue`, `-c=value`, `-ab` for `-a -b`, `--no-name` where the option says so. Options
 * and arguments may mix; `--` ends the options; a lone `-` is an argument. A value that begins with `-` is only taken after `=`, so that a
 * forgotten value is noticed.
 */
import { ToolError } from "../../errors.ts";
import { isRepeatable, kebabCase, positionalsOf, type Args, type OptionDefinition } from "../define.ts";
import { GLOBAL_OPTIONS } from "./describe.ts";
import { findClosest } from "./suggest.ts";

/** Options that every verb takes, as they are typed; read by main and the dispatcher. */
export const GLOBAL_SPELLINGS: readonly string[] = GLOBAL_OPTIONS.flatMap(({ letter, name }) =>
  letter === undefined ? name : [name, letter],
);

/** What was given for each key, in the order of the command line; booleans as `true` and `false`. */
export type Given = ReadonlyMap<string, readonly string[]>;

/** An option as one spelling names it. */
export interface Spelling {
  readonly key: string;
  readonly definition: OptionDefinition;
  /** What a boolean becomes by this spelling. */
  readonly says: boolean;
}

/** Reads the words after a verb's name. @param command the verb as typed, `ctar export`, for the hints. @throws ToolError usage */
export function readWords(words: readonly string[], args: Args, command: string): Given {
  return new WordReader(words, args, command).read();
}

/** A usage error of a command, with a hint to its help. */
export function usageError(message: string, command: string, hints: readonly string[] = []): ToolError {
  return new ToolError("usage", message, { hints: [...hints, `See ${command} --help`] });
}

/** Whether a word list asks for help; what follows `--` is none of our business. */
export function asksForHelp(words: readonly string[]): boolean {
  return optionWords(words).some((word) => word === "--help" || word === "-h");
}

/** Whether a word list asks for JSON, whatever else is wrong with it. */
export function asksForJson(words: readonly string[]): boolean {
  return optionWords(words).includes("--json");
}

/** Takes `--verbose` out of a command line, wherever it stands. */
export function takeVerbose(words: readonly string[]): { words: string[]; verbose: boolean } {
  const before = optionWords(words);
  const others = before.filter((word) => word !== "--verbose");
  return { words: [...others, ...words.slice(before.length)], verbose: others.length < before.length };
}

function optionWords(words: readonly string[]): readonly string[] {
  const end = words.indexOf("--");
  return end === -1 ? words : words.slice(0, end);
}

class WordReader {
  readonly #words: readonly string[];
  readonly #args: Args;
  readonly #command: string;
  readonly #spellings: ReadonlyMap<string, Spelling>;
  readonly #given = new Map<string, string[]>();
  readonly #positionals: string[] = [];
  #next = 0;

  constructor(words: readonly string[], args: Args, command: string) {
    this.#words = words;
    this.#args = args;
    this.#command = command;
    this.#spellings = listSpellings(args);
  }

  read(): Given {
    for (let word = this.#take(); word !== undefined; word = this.#take()) {
      if (word === "--") {
        this.#positionals.push(...this.#words.slice(this.#next));
        break;
      }
      if (word.startsWith("--")) this.#readLong(word);
      else if (word.startsWith("-") && word !== "-") this.#readShort(word);
      else this.#positionals.push(word);
    }
    this.#assignPositionals();
    this.#requireOptions();
    return this.#given;
  }

  #take(): string | undefined {
    const word = this.#words[this.#next];
    this.#next++;
    return word;
  }

  #readLong(word: string): void {
    const equals = word.indexOf("=");
    if (equals === -1) this.#readOption(word, undefined);
    else this.#readOption(word.slice(0, equals), word.slice(equals + 1));
  }

  #readShort(word: string): void {
    if (word.length > 2) this.#refuseOneDash(word);
    for (let at = 1; at < word.length; at++) {
      const name = `-${word[at]}`;
      const rest = word.slice(at + 1);
      const takesValue = this.#find(name).definition.type !== "boolean";
      if (takesValue && rest !== "") return this.#readOption(name, rest.replace(/^=/, ""));
      if (rest.startsWith("=")) return this.#readOption(name, rest.slice(1));
      this.#readOption(name, undefined);
    }
  }

  /** Refuses `-pool` and `-poool`; what has letters of its own only, and is no option's name, is a bundle of them. */
  #refuseOneDash(word: string): void {
    const name = `-${word.replace(/=.*$/s, "")}`;
    const meant = this.#spellings.has(name) || !this.#spellings.has(word.slice(0, 2)) ? findClosest(name, this.#optionNames()) : undefined;
    if (meant?.startsWith("--") === true) throw this.#refuse(`Unknown option "${name.slice(1)}"`, meant);
  }

  #optionNames(): string[] {
    return [...this.#spellings.keys(), ...GLOBAL_SPELLINGS];
  }

  #readOption(name: string, attached: string | undefined): void {
    const { key, definition, says } = this.#find(name);
    if (definition.type === "boolean") {
      if (attached !== undefined) throw this.#refuse(`Option ${name} takes no value, and got "${attached}"`);
      return this.#give(key, name, String(says));
    }
    const value = attached ?? this.#takeValue(name);
    if (value === "") throw this.#refuse(`Option ${name} needs a value`);
    if (definition.type === "enum" && !definition.options.includes(value)) throw this.#refuseChoice(name, value, definition.options);
    this.#give(key, name, value);
  }

  #find(name: string): Spelling {
    const spelling = this.#spellings.get(name);
    if (spelling !== undefined) return spelling;
    const closest = findClosest(name, this.#optionNames());
    throw this.#refuse(`Unknown option "${name}"`, closest);
  }

  #takeValue(name: string): string {
    const value = this.#words[this.#next];
    if (value === undefined) throw this.#refuse(`Option ${name} needs a value`);
    if (value.startsWith("-")) {
      throw usageError(`Option ${name} needs a value`, this.#command, [`A value that begins with "-" is written ${name}=${value}`]);
    }
    this.#next++;
    return value;
  }

  #give(key: string, name: string, value: string): void {
    const before = this.#given.get(key);
    if (before !== undefined && !isRepeatable(this.#args[key])) throw this.#refuse(`Option ${name} is given more than once`);
    this.#given.set(key, [...(before ?? []), value]);
  }

  #assignPositionals(): void {
    const rest = [...this.#positionals];
    for (const [key, definition] of positionalsOf(this.#args)) {
      const values = rest.splice(0, definition.repeatable === true ? rest.length : 1);
      if (values.includes("")) throw this.#refuse(`Argument <${kebabCase(key)}> is empty`);
      if (values.length > 0) this.#given.set(key, values);
      else if (definition.required !== false && definition.default === undefined)
        throw this.#refuse(`Missing argument <${kebabCase(key)}>`);
    }
    if (rest[0] !== undefined) throw this.#refuse(`Unexpected argument "${rest[0]}"`);
  }

  #requireOptions(): void {
    for (const [key, definition] of Object.entries(this.#args)) {
      if (definition.type === "positional" || definition.type === "boolean") continue;
      if (definition.required === true && !this.#given.has(key)) throw this.#refuse(`Missing option --${kebabCase(key)}`);
    }
  }

  #refuse(message: string, closest?: string): ToolError {
    return usageError(message, this.#command, closest === undefined ? [] : [`Did you mean ${closest}?`]);
  }

  #refuseChoice(name: string, value: string, options: readonly string[]): ToolError {
    return this.#refuse(`Option ${name} cannot be "${value}": it is one of ${options.join(", ")}`, findClosest(value, options));
  }
}

/** Everything that can be typed for an option. */
export function listSpellings(args: Args): ReadonlyMap<string, Spelling> {
  const spellings = new Map<string, Spelling>();
  for (const [key, definition] of Object.entries(args)) {
    if (definition.type === "positional") continue;
    spellings.set(`--${kebabCase(key)}`, { key, definition, says: true });
    if (definition.alias !== undefined) spellings.set(`-${definition.alias}`, { key, definition, says: true });
    if (definition.type === "boolean" && definition.negatable === true) {
      spellings.set(`--no-${kebabCase(key)}`, { key, definition, says: false });
    }
  }
  return spellings;
}
