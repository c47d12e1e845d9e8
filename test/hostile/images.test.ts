/**
 * Hostile images against the program: each is refused with what is wrong named, or taken without harm. A refused one leaves no trace in a store or
 * a pool, none takes much time or memory, no message has a stack trace or raw control characters.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { layer, LayoutSketch } from "../support/oci.ts";
import { finish, runProgram, start } from "../support/program.ts";
import { IMAGE_ATTACKS } from "./attacks/images.ts";
import type { ImageAttack, Outcome } from "./image-attack.ts";
import { inChunks, indecencies, inventory, PATIENCE_MS, watchProgram } from "./survival.ts";

const isDeno = "Deno" in globalThis;
const LIMIT_KIB = (isDeno ? 600_000_000 : 250_000_000) / 1024;
const GOOD = "docker.io/example/good:1";

let scratch = "";
let aim = "";
let file = "";
/** Pools for images and for containers, and a directory for what is extracted. */
let store = "";
let pool = "";
let target = "";

beforeAll(async () => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-hostile-images-"));
  [aim, file, store, pool, target] = ["aim", "images", "store", "pool", "target"].map((name) => path.join(scratch, name)) as [string, string, string, string, string]; // prettier-ignore
  for (const directory of [aim, target]) fs.mkdirSync(directory);
  fs.writeFileSync(path.join(aim, "secret"), "not yours\n", { mode: 0o600 });
  for (const made of [store, pool]) await runProgram("init", `dir:${made}`);
  const layout = new LayoutSketch();
  fs.writeFileSync(file, layout.name(layout.image([layer("good", "gzip")]).descriptor, "example/good:1").tar());
  expect(await runProgram("image", "import", "--pool", `dir:${store}`, file)).toMatchObject({ exitCode: 0, stderr: "" });
});

afterAll(async () => await remove(scratch));

test("there are enough of them, each with a name of its own", () => {
  expect(IMAGE_ATTACKS.length).toBeGreaterThanOrEqual(100);
  expect(new Set(IMAGE_ATTACKS.map(({ on, name }) => `${on}: ${name}`)).size).toBe(IMAGE_ATTACKS.length);
});

describe("the program survives an attack on", () => {
  test.each(IMAGE_ATTACKS.map((attack) => [attack.on, attack.name, attack] as const))(
    "%s: %s",
    async (_on, _name, attack) => {
      for (const source of sourcesOf(attack)) {
        const before = inventory(aim, true);
        const beside = fs.readdirSync(scratch).toSorted();
        await importIntoStore(source, attack.stored ?? { exit: 12, says: attack.says });
        if (isDeno) return; // where a start takes ten times as long
        await importAsContainer(source, attack.container ?? { exit: 12, says: attack.says });
        if (source.bytes === undefined) await read(source, attack);
        expect(inventory(aim, true)).toEqual(before);
        expect(fs.readdirSync(scratch).toSorted()).toEqual(beside);
      }
    },
    2 * PATIENCE_MS,
  );
});

async function importIntoStore(source: Source, outcome: Outcome): Promise<void> {
  const before = { exactly: inventory(store), roughly: inventory(store, false) };
  await run(["image", "import", "--pool", `dir:${store}`], source, outcome);
  if (outcome.exit !== 0) return expect(inventory(store)).toEqual(before.exactly);
  await removeImages();
  expect(inventory(store, false)).toEqual(before.roughly);
}

async function importAsContainer(source: Source, outcome: Outcome): Promise<void> {
  const before = inventory(pool);
  await run(["import", "--pool", `dir:${pool}`, "--as-id", "victim"], source, outcome);
  if (outcome.exit === 0) await removeVictim();
  else expect(inventory(pool)).toEqual(before);
}

/** Runs the verbs that only read; what is refused by all others is refused by them. */
async function read(source: Source, { stored, container }: ImageAttack): Promise<void> {
  const outcome = stored === undefined && container === undefined ? ({ exit: 12, says: "error: " } as const) : undefined;
  await run(["verify"], source, outcome);
  await run(["extract", "-C", target], source, outcome);
  await remove(target);
  fs.mkdirSync(target);
}

/** Runs a verb to its end. @param outcome undefined if it may be any */
async function run(args: readonly string[], { name, bytes }: Source, outcome: Outcome | undefined): Promise<void> {
  const finished = await watchProgram([...args, name], bytes?.());
  const { exitCode, stderr, peakKib } = finished;
  if (outcome !== undefined) expect([args, exitCode, stderr, stderr.includes(outcome.says)]).toEqual([args, outcome.exit, stderr, true]);
  expect([args, exitCode === null, ...indecencies(finished)]).toEqual([args, false]);
  expect(peakKib).toBeLessThan(LIMIT_KIB);
}

/** An archive, as the program is given it. */
interface Source {
  name: string;
  /** What comes through a pipe. */
  bytes?: () => Iterable<Uint8Array>;
}

/** How the archive can be given to the program. */
function* sourcesOf({ make, stream, place }: ImageAttack): Generator<Source> {
  fs.rmSync(file, { recursive: true, force: true });
  if (stream !== undefined) yield { name: "-", bytes: stream };
  place?.(file, { path: aim });
  if (place !== undefined) yield { name: file };
  if (make === undefined) return;
  const bytes = make({ path: aim });
  fs.writeFileSync(file, bytes);
  yield { name: file };
  yield { name: "-", bytes: () => inChunks(bytes) };
}

/** Takes away what a run has stored, which must be whole. */
async function removeImages(): Promise<void> {
  const on = ["--pool", `dir:${store}`];
  expect(await runProgram("image", "check", ...on)).toMatchObject({ exitCode: 0, stderr: "" });
  const list = await runProgram("image", "ls", "--json", ...on);
  const images = JSON.parse(list.stdout) as { name: string | null; digest: string }[];
  for (const { name, digest } of images) if (name !== GOOD) await runProgram("image", "rm", ...on, name ?? digest);
  expect(await runProgram("image", "prune", "--untagged", ...on)).toMatchObject({ exitCode: 0, stderr: "" });
}

/** Takes away the container that a run has made, which is nowhere but where it belongs. */
async function removeVictim(): Promise<void> {
  expect(fs.readdirSync(path.join(pool, "ct"))).toEqual(["victim"]);
  await remove(pool);
  await runProgram("init", `dir:${pool}`);
}

async function remove(what: string): Promise<void> {
  await finish(start(["rm", "-rf", what])); // node:fs cannot remove what is deeper than PATH_MAX
}
