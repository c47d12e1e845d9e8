/**
 * From the words of an unfinished command line to what its last word may become.
 *
 * The words are read as words.ts reads them, but leniently: what is wrong so far is the verb's to refuse. An option that takes a value has the next
 * word; a word with `-` is an option's name, or its value behind `=`; anything else is an argument, or a command's name where none stands yet.
 */
import { isRepeatable, positionalsOf, type ArgDefinition, type Args, type CommandGroup, type Completes } from "../define.ts";
import { GLOBAL_OPTIONS } from "../command-line/describe.ts";
import { listSpellings, takeVerbose, type Spelling } from "../command-line/words.ts";

/** Something that a word may become. */
export interface Candidate {
  readonly word: string;
  /** Empty where the word says it all. */
  readonly description: string;
}

/** What a word may become: candidates, and paths that the shell finds itself. */
export interface Offer {
  readonly candidates: readonly Candidate[];
  readonly paths?: Paths;
}

/** Paths of one kind. */
export interface Paths {
  readonly kind: "files" | "directories";
  /** Beginning of the word that does not belong to the path: `--spool-dir=`. */
  readonly before: string;
}

/** Finds what only the pools know. @param poolName the one that was named */
export type Look = (what: "container" | "image" | "pool", poolName: string | undefined) => Promise<readonly Candidate[]>;

const NOTHING: Offer = { candidates: [] };
const EVERYWHERE: readonly Candidate[] = GLOBAL_OPTIONS.map(({ name, description }) => ({ word: name, description }));
const PROGRAM_WORDS: readonly Candidate[] = [
  { word: "help", description: "Show the help of a command" },
  { word: "--version", description: "Show the version" },
];
const DIRECTORY_POOL: Candidate = { word: "dir:", description: "A pool in a directory" };
const IN_DIRECTORY: Offer = { candidates: [], paths: { kind: "directories", before: DIRECTORY_POOL.word } };

/** Offers words for the last one. @param words what follows the program's name; the last one may be empty */
export async function offerFor(words: readonly string[], program: CommandGroup, look: Look): Promise<Offer> {
  const { words: typed } = takeVerbose(words.slice(0, -1));
  const word = words.at(-1) ?? "";
  const isHelp = typed[0] === "help";
  let group = program;
  for (const [index, name] of typed.entries()) {
    if (isHelp && index === 0) continue;
    const command = group.commands.find((one) => one.name === name);
    if (command === undefined) return NOTHING;
    if (!("load" in command)) group = command;
    else if (isHelp) return NOTHING;
    else return await new VerbOffer((await command.load()).args, look).offer(typed.slice(index + 1), word);
  }
  const extras = typed.length > 0 ? [] : PROGRAM_WORDS;
  const commands = group.commands.map(({ name, summary }) => ({ word: name, description: summary }));
  return { candidates: [...commands, ...extras, ...EVERYWHERE].filter(isOptionLike(word)) };
}

/** Options where the word begins with a dash, and nothing else there. */
function isOptionLike(word: string): (candidate: Candidate) => boolean {
  return (candidate) => candidate.word.startsWith("-") === word.startsWith("-");
}

/** What can follow the words behind a verb's name. */
class VerbOffer {
  readonly #args: Args;
  readonly #look: Look;
  readonly #spellings: ReadonlyMap<string, Spelling>;
  readonly #given = new Map<string, string>();
  #positionals = 0;
  #optionsEnded = false;
  /** The option whose value comes next. */
  #open: Spelling | undefined;

  constructor(args: Args, look: Look) {
    this.#args = args;
    this.#look = look;
    this.#spellings = listSpellings(args);
  }

  async offer(typed: readonly string[], word: string): Promise<Offer> {
    for (const before of typed) this.#read(before);
    if (this.#open !== undefined) return await this.#offerValue(this.#open.definition, word, "");
    if (this.#optionsEnded || !word.startsWith("-")) return await this.#offerArgument(word);
    const equals = word.indexOf("=");
    if (equals === -1) return this.#offerNames(word);
    const definition = this.#spellings.get(word.slice(0, equals))?.definition;
    return definition === undefined ? NOTHING : await this.#offerValue(definition, word.slice(equals + 1), word.slice(0, equals + 1));
  }

  #read(word: string): void {
    if (this.#open !== undefined) this.#close(this.#open, word);
    else if (this.#optionsEnded || word === "-" || !word.startsWith("-")) this.#positionals++;
    else if (word === "--") this.#optionsEnded = true;
    else if (word.startsWith("--")) this.#readOption(...splitAt(word, word.indexOf("=")));
    else this.#readBundle(word);
  }

  #readBundle(word: string): void {
    for (let at = 1; at < word.length; at++) {
      const name = `-${word[at]}`;
      const rest = word.slice(at + 1);
      const takesValue = this.#spellings.get(name)?.definition.type !== "boolean";
      this.#readOption(name, takesValue && rest !== "" ? rest.replace(/^=/, "") : undefined);
      if (takesValue) return;
    }
  }

  #readOption(name: string, value: string | undefined): void {
    const spelling = this.#spellings.get(name);
    if (spelling === undefined) return;
    this.#open = spelling;
    if (value !== undefined || spelling.definition.type === "boolean") this.#close(spelling, value ?? "");
  }

  #close({ key }: Spelling, value: string): void {
    this.#given.set(key, value);
    this.#open = undefined;
  }

  async #offerArgument(word: string): Promise<Offer> {
    const positionals = positionalsOf(this.#args);
    const last = positionals.at(-1)?.[1];
    const definition = positionals[this.#positionals]?.[1] ?? (isRepeatable(last) ? last : undefined);
    if (definition !== undefined) return await this.#offerValue(definition, word, "");
    return word === "" && !this.#optionsEnded ? this.#offerNames("--") : NOTHING;
  }

  /** Names of options that may still be given; single letters only for a word that begins so. */
  #offerNames(word: string): Offer {
    const wantsLetters = /^-[^-]/.test(word);
    const candidates: Candidate[] = [];
    for (const [name, { key, definition, says }] of this.#spellings) {
      if (name.startsWith("--") === wantsLetters || (this.#given.has(key) && !isRepeatable(definition))) continue;
      candidates.push({ word: name, description: says ? definition.description : `Not: ${definition.description}` });
    }
    return { candidates: [...candidates, ...EVERYWHERE] };
  }

  /** Values for an argument. @param before what stands before the value in its word */
  async #offerValue(definition: ArgDefinition, value: string, before: string): Promise<Offer> {
    const offers = await Promise.all(whatCompletes(definition).map(async (what) => await this.#offerWhat(what, value)));
    const found = offers.flatMap(({ candidates }) => candidates);
    const choices = "options" in definition ? definition.options.map((word) => ({ word, description: "" })) : [];
    const candidates = [...choices, ...found].map(({ word, description }) => ({ word: before + word, description }));
    const paths = offers.find((offer) => offer.paths !== undefined)?.paths;
    return { candidates, ...(paths === undefined ? {} : { paths: { kind: paths.kind, before: before + paths.before } }) };
  }

  async #offerWhat(what: Completes, value: string): Promise<Offer> {
    if (what === "file") return { candidates: [], paths: { kind: "files", before: "" } };
    if (what === "directory") return { candidates: [], paths: { kind: "directories", before: "" } };
    if (what === "container") return await this.#offerContainers(value);
    if (what === "image") return { candidates: await this.#look(what, this.#given.get("pool")) };
    if (value.startsWith(DIRECTORY_POOL.word)) return IN_DIRECTORY;
    return { candidates: [...(await this.#look(what, undefined)), DIRECTORY_POOL] };
  }

  /** Ids, or `POOL:ID` once a pool is typed. */
  async #offerContainers(value: string): Promise<Offer> {
    const [pool, id] = splitAt(value, value.lastIndexOf(":"));
    if (id === undefined) return { candidates: await this.#look("container", this.#given.get("pool")) };
    if (pool === "dir") return IN_DIRECTORY;
    const found = await this.#look("container", pool);
    return { candidates: found.map(({ word, description }) => ({ word: `${pool}:${word}`, description })) };
  }
}

function whatCompletes(definition: ArgDefinition): readonly Completes[] {
  return "completes" in definition ? [definition.completes ?? []].flat() : [];
}

/** What stands before and behind the character at a place; all of it, and undefined, if the place is -1. */
function splitAt(text: string, at: number): [before: string, after: string | undefined] {
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
