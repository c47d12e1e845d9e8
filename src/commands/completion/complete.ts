/**
 * `ctar __complete`: what the scripts beside this file ask while somebody types.
 *
 *     ctar __complete bash -- LINE WORD       the line up to the cursor; what of its last word bash takes for the word
 *     ctar __complete zsh|fish -- WORD...     the words behind `ctar`, unquoted; the last one, which may be empty, is the one under the cursor
 *
 * The first line of the answer says what the shell has to find itself, `files`, `directories` or `words` (nothing), a tab, and the beginning of
 * the word that does not belong to the path. Each other line is a candidate: a word, a tab, a description. zsh and fish choose those that match by
 * the user's rules; bash gets those that begin with what is typed, less what it does not take for the word.
 *
 * Changes nothing, says nothing of failures and answers within two seconds, whatever state the pools are in.
 */
import { containerIdProblem } from "../../config/names.ts";
import { listContainerIds } from "../../host/container.ts";
import { listInstalledPools, openZfsPool, type InstalledPool, type Pool } from "../../host/pool.ts";
import { normalizeReference } from "../../oci/reference.ts";
import { raceAbort } from "../../sys/failure.ts";
import { offerFor, type Candidate, type Look, type Offer } from "./candidates.ts";
import type { Context } from "../context.ts";
import type { CommandGroup } from "../define.ts";
import { openPoolImages } from "../image/store.ts";
import { splitLine } from "./split-line.ts";
import { poolOf, zfsOf } from "../world.ts";

const TIME_LIMIT_MS = 1500;
const CONTROL = /\p{Cc}/u;
/** What Docker leaves out of names. */
const DOCKER_DOMAIN = /^docker\.io\/(?:library\/)?/;

/** Answers a shell. */
export async function complete([shell, , ...words]: readonly string[], program: CommandGroup, context: Context): Promise<void> {
  const lines = shell === "bash" ? await completeLine(words, program, context) : describe(await offer(words, program, context));
  for (const line of lines) await context.print(line);
}

async function completeLine([line = "", bashWord = ""]: readonly string[], program: CommandGroup, context: Context): Promise<string[]> {
  const words = splitLine(line).slice(1);
  const typed = words.at(-1) ?? "";
  const { candidates, ...paths } = await offer(words, program, context);
  const cut = typed.endsWith(bashWord) ? typed.length - bashWord.length : 0;
  const fitting = candidates.filter(({ word }) => word.startsWith(typed));
  return describe({ ...paths, candidates: fitting.map(({ word, description }) => ({ word: word.slice(cut), description })) });
}

function describe({ candidates, paths }: Offer): string[] {
  const lines = candidates.map(({ word, description }) => [word, description]);
  return [[paths?.kind ?? "words", paths?.before ?? ""], ...lines]
    .filter((fields) => !fields.some((field) => CONTROL.test(field)))
    .map((fields) => fields.join("\t"));
}

async function offer(words: readonly string[], program: CommandGroup, context: Context): Promise<Offer> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(TIME_LIMIT_MS)]);
  const look: Look = async (what, poolName) => {
    try {
      return await raceAbort(lookUp(what, poolName, { ...context, signal }), signal);
    } catch {
      return [];
    }
  };
  return await offerFor(words, program, look);
}

async function lookUp(what: Parameters<Look>[0], poolName: string | undefined, context: Context): Promise<Candidate[]> {
  if (what === "container") return await containers(poolName, context);
  if (what === "image") return await images(poolName, context);
  return (await listInstalledPools(zfsOf(context))).map(({ name }) => ({ word: name, description: "zpool" }));
}

/** Ids; with their pool where no pool was named and there are several. */
async function containers(poolName: string | undefined, context: Context): Promise<Candidate[]> {
  if (poolName !== undefined) return idsOf(await poolOf(poolName, context));
  const pools = await listInstalledPools(zfsOf(context));
  const found = await Promise.all(pools.map(async (pool) => await idsOfInstalled(pool, context)));
  if (pools.length === 1) return found.flat();
  return pools.flatMap(({ name }, index) =>
    (found[index] ?? []).map(({ word, description }) => ({ word: `${name}:${word}`, description })),
  );
}

async function idsOfInstalled(pool: InstalledPool, context: Context): Promise<Candidate[]> {
  try {
    return idsOf(await openZfsPool(pool, zfsOf(context)));
  } catch {
    return []; // not mounted; the others may be
  }
}

function idsOf(pool: Pool): Candidate[] {
  const ids = listContainerIds(pool).filter((id) => containerIdProblem(id) === undefined);
  return ids.map((id) => ({ word: id, description: `container on ${pool.name}` }));
}

async function images(poolName: string | undefined, context: Context): Promise<Candidate[]> {
  const { store } = await openPoolImages(poolName, context);
  const names = store.images().flatMap(({ name }) => (name === undefined ? [] : [shortName(name)]));
  return names.map((name) => ({ word: name, description: "image" }));
}

function shortName(name: string): string {
  const short = name.replace(DOCKER_DOMAIN, "");
  return normalizeReference(short) === name ? short : name;
}
