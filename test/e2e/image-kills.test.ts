/**
 * Imports into one store, eight at a time, killed at random, while others remove and prune: no name ever points to something that is not whole.
 * CTAR_IMAGE_KILLS says how many imports; a few if it is not set.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { DirPoolScene } from "../support/dir-pool.ts";
import { dockerEntries, LayoutSketch, OCI, type LayerSketch } from "../support/oci.ts";
import { finish } from "../support/program.ts";
import { sketchTar } from "../support/tar.ts";

const IMPORTS = Number(process.env["CTAR_IMAGE_KILLS"] ?? 32);
const AT_ONCE = 8;
const NAMES = 6;
const ARCHIVES = 5;
const LAYER_BYTES = 3_000_000;
const TIMEOUT_MS = 60_000 + IMPORTS * 1000;

let scene: DirPoolScene;
const archives: string[] = [];
/** The longest that an import is left alone that is to be killed: shorter after one that ended first, longer after one that did not. */
let patienceMs = 0;

beforeAll(async () => {
  scene = await DirPoolScene.create();
  for (let number = 0; number < ARCHIVES; number++) {
    const file = scene.file(`archive-${number}.tar`);
    fs.writeFileSync(file, archiveOf(number));
    archives.push(file);
  }
  const before = Date.now();
  await scene.run("image import", ["--tag", "first", archives[0] ?? ""]);
  patienceMs = (Date.now() - before) * AT_ONCE;
}, TIMEOUT_MS);
afterAll(() => scene[Symbol.dispose]());

test(
  `${IMPORTS} imports, ${AT_ONCE} at a time, killed at random, leave every name whole`,
  async () => {
    let begun = 0;
    const outcomes = { done: 0, killed: 0 };
    const worker = async (): Promise<void> => {
      while (begun < IMPORTS) {
        const number = begun++;
        const killed = await importAndKill(number);
        outcomes[killed ? "killed" : "done"] += 1;
        if (number % 7 === 3) await expectSuccess("image prune", []);
        if (number % 11 === 5) await scene.run("image rm", [`name-${number % NAMES}`]); // it may have none by now
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    // what cannot fail shows nothing
    expect(outcomes.killed).toBeGreaterThan(IMPORTS / 8);
    expect(outcomes.done).toBeGreaterThan(IMPORTS / 8);

    const check = await scene.run("image check", []);
    expect([check.exitCode, check.stderr]).toEqual([0, ""]);
    const names = await expectSuccess("image ls", ["--quiet"]);
    expect(check.stdout).toBe(names.replace(/$/gm, ": whole").replace(/^: whole$/m, ""));
    expect(names).toContain("docker.io/library/first:latest");
  },
  TIMEOUT_MS,
);

test("prune and rm then leave nothing behind", async () => {
  const names = (await expectSuccess("image ls", ["--quiet"])).trim().split("\n");
  await expectSuccess("image prune", []);
  expect(fs.readdirSync(scene.path("image/.ctar"))).toEqual([]);
  await expectSuccess("image rm", names);
  expect(fs.readdirSync(scene.path("image/blobs/sha256"))).toEqual([]);
  expect(fs.readdirSync(scene.path("image")).toSorted()).toEqual([".ctar", "blobs", "index.json", "oci-layout"]);
});

/** @returns whether it was killed before it ended */
async function importAndKill(number: number): Promise<boolean> {
  const archive = archives[number % ARCHIVES] ?? "";
  const isPipe = number % 2 === 0;
  const args = ["--tag", `name-${number % NAMES}`, isPipe ? "-" : archive];
  const child = scene.start("image import", args, { stdio: [isPipe ? "pipe" : "ignore", "pipe", "pipe"] });
  child.stdin?.on("error", () => undefined); // it may be killed before it has read all
  if (child.stdin !== null) fs.createReadStream(archive).pipe(child.stdin);
  const finished = finish(child);
  const isLeftToEnd = number % 3 === 0;
  const patience = isLeftToEnd ? TIMEOUT_MS : Math.random() * patienceMs;
  const patient = new AbortController();
  const timer = sleep(patience, undefined, { signal: patient.signal }).then(
    () => child.kill("SIGKILL"),
    () => undefined,
  );
  const { exitCode, stderr } = await finished;
  patient.abort();
  await timer;
  const killed = exitCode === null;
  if (!killed) expect([exitCode, stderr]).toEqual([0, ""]);
  if (!isLeftToEnd) patienceMs *= killed ? 1.2 : 0.6;
  return killed;
}

async function expectSuccess(verb: string, args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await scene.run(verb, args);
  expect([exitCode, stderr]).toEqual([0, ""]);
  return stdout;
}

/** Archives of both kinds; all share their lowest layer, neighbours another one. */
function archiveOf(number: number): Buffer {
  const layers = [noiseLayer(0), noiseLayer(1 + (number >> 1)), noiseLayer(100 + number)];
  if (number % 2 === 0) return sketchTar(...dockerEntries(layers));
  const layout = new LayoutSketch();
  return layout.name(layout.image(layers).descriptor, "tag").tar();
}

function noiseLayer(seed: number): LayerSketch {
  let state = seed + 1;
  const data = Uint8Array.from({ length: LAYER_BYTES }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
  const tar = sketchTar({ name: path.join("opt", `data-${seed}`), data });
  return { tar, stored: tar, mediaType: `${OCI}.layer.v1.tar` };
}
