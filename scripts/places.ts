/** What scripts/places runs: every check in every place, and how long `--version` takes there, as a Markdown table. */
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import { parseArgs } from "node:util";
import { CHECKS, checksOf, prepare, runCheck } from "../test/support/place-checks.ts";
import { Place, portableFile, type Architecture, type PlaceKind } from "../test/support/place.ts";
import { NOBODY, PLACES, ROOT } from "../test/support/places.ts";
import { systemName } from "./bench/machine.ts";
import { updateSections } from "./bench/report.ts";
import { spreadOf } from "./bench/statistics.ts";
import { markdownTable } from "./bench/table.ts";

const REPORT = "docs/portable.md";
const STARTS = 20;
const MEGABYTE = 1e6;
const GIB = 1024 ** 3;

const { values, positionals } = parseArgs({ options: { update: { type: "boolean", default: false } }, allowPositionals: true });
const files = positionals[0] ?? "dist/release";
const rows: string[][] = [];
for (const kind of PLACES) rows.push(await visit(kind));
const head = ["Place", "Architecture", "Loader", "MB", "First start, ms", "Start, ms", "As root", `As uid ${NOBODY}`];
const table = `${describe()}\n\n${markdownTable(head, rows)}`;
console.log(table);
if (values.update) {
  fs.writeFileSync(REPORT, updateSections(fs.readFileSync(REPORT, "utf8"), new Map([["places", table]])));
  execFileSync("node_modules/.bin/oxfmt", [REPORT]);
}

/** A row of the table. */
async function visit(kind: PlaceKind): Promise<string[]> {
  console.error(`== ${kind.name}`);
  const { first, median } = await measureStarts(kind);
  const results = [await tally(kind, ROOT), await tally(kind, NOBODY)];
  const megabytes = (fs.statSync(portableFile(files, kind.architecture)).size / MEGABYTE).toFixed(0);
  return [kind.name, kind.architecture, kind.lacksProc === true ? "" : kind.loader, megabytes, first, median, ...results];
}

/** Runs a place's checks, says on stderr what failed, and how many did not. */
async function tally(kind: PlaceKind, uid: number): Promise<string> {
  await using place = await Place.create(kind, files, uid);
  const checks = checksOf(kind);
  let passed = 0;
  await prepare(place);
  for (const check of checks) {
    try {
      await runCheck(check, place);
      passed += 1;
    } catch (error) {
      console.error(`${kind.name}, uid ${uid}, ${check.name}:`, error);
      process.exitCode = 1;
    }
  }
  return passed === checks.length ? `${passed} of ${passed}` : `**${passed} of ${checks.length}**`;
}

/** How long `--version` takes in milliseconds, from nsenter(1) and chroot(8) on: once with nothing of the file in memory, and then. */
async function measureStarts(kind: PlaceKind): Promise<{ first: string; median: string }> {
  await using place = await Place.create(kind, files, ROOT);
  spawnSync("dd", [`if=${portableFile(files, kind.architecture)}`, "iflag=nocache", "count=0", "status=none"]);
  const first = await timeStart(place);
  const others: number[] = [];
  for (let start = 0; start < STARTS; start += 1) others.push(await timeStart(place));
  return { first: first.toFixed(0), median: spreadOf(others).median.toFixed(0) };
}

async function timeStart(place: Place): Promise<number> {
  const begin = performance.now();
  await once(place.start(["--version"], { stdio: "ignore" }), "exit");
  return performance.now() - begin;
}

/** When, with what, on what, and what the checks are. */
function describe(): string {
  const version = spawnSync(portableFile(files, process.arch as Architecture), ["--version"], { encoding: "utf8" }).stdout.trim();
  const machine = `${os.cpus().length} cores of ${os.cpus()[0]?.model ?? "unknown processor"}, ${(os.totalmem() / GIB).toFixed(0)} GiB of memory`;
  const names = CHECKS.map(({ name }) => name).join(" · ");
  return `Measured on ${new Date().toISOString().slice(0, 10)} with ${version} on ${machine}, Linux ${os.release()}, ${systemName()}. Start: median of ${STARTS} runs of \`--version\`, chroot(8) included; first start: nothing of the file in memory. Checks: ${names}.`;
}
