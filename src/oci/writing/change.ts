/**
 * `--change`: instructions of a Dockerfile that change how a container of an image runs, as `docker import` and `docker commit` take them.
 *
 *     CMD ENTRYPOINT    ["exec", "form"], or a line for /bin/sh -c
 *     ENV LABEL         NAME=value NAME="va lue", or one NAME and all behind it
 *     EXPOSE            80 53/udp 8000-8010        VOLUME   /data /logs, or ["/data"]
 *     USER WORKDIR STOPSIGNAL   one value
 *
 * Variables in all but CMD and ENTRYPOINT are those of the image's environment, as it is by then. An ENTRYPOINT takes an inherited CMD away.
 *
 * @see moby `builder/dockerfile/{builder,dispatchers}.go` (`BuildFromConfig`), moby/buildkit `frontend/dockerfile/{parser,instructions}`
 */
import { constants } from "node:os";
import { posix } from "node:path";
import { ToolError } from "../../errors.ts";
import type { RunConfig } from "../config.ts";
import { quoted } from "../quoted.ts";
import { expandWord, splitWords, type Variables } from "./change-words.ts";

/** What an instruction is given. */
interface Given {
  run: RunConfig;
  /** All behind its name. */
  rest: string;
  /** Whether a CMD has been before. */
  isCmdSet: boolean;
  /** A text without its quotes, with values in place of variables. */
  expand: (text: string) => string;
}

/** What it does, or why it cannot. */
type Instruction = (given: Given) => Partial<RunConfig> | string;

const INSTRUCTIONS: Readonly<Record<string, Instruction>> = {
  CMD: ({ rest }) => withCommand(rest, (cmd) => ({ cmd })),
  ENTRYPOINT: ({ run, rest, isCmdSet }) => withCommand(rest, (entrypoint) => ({ entrypoint, cmd: isCmdSet ? (run.cmd ?? []) : [] })),
  ENV: ({ run, rest, expand }) => withPairs(rest, expand, (pairs) => ({ env: pairs.reduce(withVariable, run.env ?? []) })),
  EXPOSE: ({ run, rest, expand }) => exposed(run, wordsOf(expand(rest))),
  LABEL: ({ run, rest, expand }) => withPairs(rest, expand, (pairs) => ({ labels: { ...run.labels, ...Object.fromEntries(pairs) } })),
  STOPSIGNAL: ({ rest, expand }) => stopSignal(expand(rest)),
  USER: ({ rest, expand }) => ({ user: expand(rest) }),
  VOLUME: ({ run, rest, expand }) => withList(rest, expand, (paths) => ({ volumes: [...new Set([...(run.volumes ?? []), ...paths])] })),
  WORKDIR: ({ run, rest, expand }) => ({ workingDir: absolute(expand(rest), run.workingDir) }),
};
const SHELL = ["/bin/sh", "-c"];
const PORT = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i;
const PORT_LIMIT = 65535;
const REALTIME_SIGNAL = /^(?:SIG)?RTM(?:IN(?:\+\d{1,2})?|AX(?:-\d{1,2})?)$/i;

/** Changes a configuration, instruction by instruction. @throws ToolError usage */
export function changeConfig(run: RunConfig, changes: readonly string[]): RunConfig {
  let isCmdSet = false;
  let changed = run;
  for (const change of changes) {
    const [, name = "", rest = ""] = /^\s*(\S*)\s*([^]*?)\s*$/.exec(change) ?? [];
    const instruction = Object.hasOwn(INSTRUCTIONS, name.toUpperCase()) ? INSTRUCTIONS[name.toUpperCase()] : undefined;
    if (instruction === undefined) throw refusal(change, `there is no instruction ${quoted(name)} here`, HINTS);
    if (rest === "") throw refusal(change, "it says nothing");
    if (/[\r\n]/.test(rest)) throw refusal(change, "it is more than one line", ["--change once for each instruction"]);
    const variables = variablesOf(changed);
    const result = instruction({ run: changed, rest, isCmdSet, expand: (text) => expandWord(text, variables) });
    if (typeof result === "string") throw refusal(change, result);
    changed = { ...changed, ...result };
    isCmdSet ||= name.toUpperCase() === "CMD";
  }
  return changed;
}

const HINTS = [`There are ${Object.keys(INSTRUCTIONS).join(", ")}`];

function refusal(change: string, reason: string, hints: readonly string[] = []): ToolError {
  return new ToolError("usage", `Cannot use --change ${quoted(change)}: ${reason}`, { hints: [...hints] });
}

function variablesOf({ env = [] }: RunConfig): Variables {
  return new Map(env.map((pair) => [pair.slice(0, Math.max(0, pair.indexOf("="))), pair.slice(pair.indexOf("=") + 1)]));
}

/** A list of texts in JSON; undefined if it is no JSON. @returns a text if it is a list of something else */
function jsonList(rest: string): readonly string[] | string | undefined {
  if (!rest.startsWith("[")) return undefined;
  try {
    const list = JSON.parse(rest) as unknown[];
    return list.every((item) => typeof item === "string") ? list : "a list in JSON holds texts alone";
  } catch {
    return undefined;
  }
}

function withCommand(rest: string, make: (command: readonly string[]) => Partial<RunConfig>): Partial<RunConfig> | string {
  const list = jsonList(rest) ?? [...SHELL, rest];
  return typeof list === "string" ? list : make(list);
}

function withList(
  rest: string,
  expand: (text: string) => string,
  make: (items: readonly string[]) => Partial<RunConfig>,
): Partial<RunConfig> | string {
  const list = jsonList(rest) ?? wordsOf(rest);
  if (typeof list === "string") return list;
  const items = list.map((item) => expand(item));
  return items.includes("") || items.length === 0 ? "a path is empty" : make(items);
}

/** Names and values. */
function withPairs(
  rest: string,
  expand: (text: string) => string,
  make: (pairs: readonly (readonly [name: string, value: string])[]) => Partial<RunConfig>,
): Partial<RunConfig> | string {
  const words = splitWords(rest);
  if (words[0]?.includes("=") !== true) {
    const [, name = "", value = ""] = /^(\S+)\s+([^]+)$/.exec(rest) ?? [];
    return name === "" ? "it is not NAME=value" : make([[expand(name), expand(value)]]);
  }
  const odd = words.find((word) => word.indexOf("=") < 1);
  if (odd !== undefined) return `${quoted(odd)} is not NAME=value`;
  return make(words.map((word) => [expand(word.slice(0, word.indexOf("="))), expand(word.slice(word.indexOf("=") + 1))] as const));
}

/** A variable takes the place of one of its name. */
function withVariable(env: readonly string[], [name, value]: readonly [name: string, value: string]): readonly string[] {
  const at = env.findIndex((pair) => pair.startsWith(`${name}=`));
  return at === -1 ? [...env, `${name}=${value}`] : env.with(at, `${name}=${value}`);
}

function exposed(run: RunConfig, words: readonly string[]): Partial<RunConfig> | string {
  const ports = new Set(run.exposedPorts);
  for (const word of words) {
    const [, first = "", last = first, protocol = "tcp"] = PORT.exec(word) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (first === "" || from > to || to > PORT_LIMIT) return `${quoted(word)} is no PORT, PORT/udp or PORT-PORT`;
    for (let port = from; port <= to; port++) ports.add(`${port}/${protocol.toLowerCase()}`);
  }
  return { exposedPorts: [...ports] };
}

function stopSignal(name: string): Partial<RunConfig> | string {
  const upper = name.toUpperCase();
  const isKnown = /^\d{1,2}$/.test(name) || REALTIME_SIGNAL.test(name) || [upper, `SIG${upper}`].some((one) => one in constants.signals);
  return isKnown ? { stopSignal: name } : `${quoted(name)} is no signal`;
}

function absolute(directory: string, current = "/"): string {
  return directory.startsWith("/") ? directory : posix.join("/", current, directory);
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
