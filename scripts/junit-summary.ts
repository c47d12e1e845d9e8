/**
 * Sums up test runs: `bun scripts/junit-summary.ts DIR RUN...` reads DIR/RUN.xml (JUnit) and DIR/RUN.exit (the runner's exit code), prints
 * failures and skipped tests, and as its last line `N passed, N failed`, with `, N skipped` where there are any. Exit code 1 unless all is well.
 *
 * Nothing counts as well by its absence: a run without results, with an unfinished file, with no test in it, or whose runner failed although
 * no test did (a test file that cannot be loaded is in no JUnit file) counts as one failed test, and so does a test skipped without a reason. The
 * reason stands in the name of the test or of a suite around it: `(needs ruby)` or `(skipped: no ruby here)`.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What a runner left behind; undefined where it left nothing. */
export interface Run {
  readonly name: string;
  readonly xml: string | undefined;
  readonly exitCode: number | undefined;
}

/** A run in numbers and words. */
export interface RunSummary {
  passed: number;
  readonly failures: string[];
  readonly skips: string[];
}

interface TestCase {
  readonly name: string;
  readonly verdict: "passed" | "failed" | "skipped";
  /** What went wrong, or why it was skipped. */
  readonly message: string;
}

if (import.meta.main) {
  const [directory = "", ...names] = process.argv.slice(2);
  const runs = names.map((name) => readRun(directory, name));
  const { text, ok } = report(runs);
  console.log(text);
  process.exitCode = ok ? 0 : 1;
}

/** The text to print about several runs, and whether all is well. */
export function report(runs: readonly Run[]): { text: string; ok: boolean } {
  const summaries = runs.map((run) => ({ name: run.name, ...summarize(run) }));
  const lines = summaries.flatMap(({ name, failures, skips }) => [
    ...skips.map((text) => `skipped [${name}] ${text}`),
    ...failures.map((text) => `failed [${name}] ${text.trimEnd().replaceAll("\n", "\n    ")}`),
  ]);
  for (const summary of summaries) lines.push(`${summary.name}: ${counts([summary])}`);
  lines.push(counts(summaries));
  return { text: lines.join("\n"), ok: runs.length > 0 && summaries.every(({ failures }) => failures.length === 0) };
}

/** Judges one run. */
export function summarize({ xml, exitCode }: Run): RunSummary {
  const summary: RunSummary = { passed: 0, failures: [], skips: [] };
  const cases = xml === undefined ? [] : parseTestCases(xml);
  for (const { name, verdict, message } of cases) {
    if (verdict === "passed") summary.passed++;
    else if (verdict === "failed") summary.failures.push(`${name}\n${message}`);
    else if (message === "") summary.failures.push(`${name}\nskipped, and its name does not say why`);
    else summary.skips.push(name.includes(message) ? name : `${name}: ${message}`);
  }
  if (xml === undefined) summary.failures.push("the runner left no results");
  else if (!xml.trimEnd().endsWith("</testsuites>")) summary.failures.push("the runner's results break off");
  else if (cases.length === 0) summary.failures.push("no test ran");
  else if (exitCode !== 0 && summary.failures.length === 0)
    summary.failures.push("the runner failed outside any test, see its output above");
  if (exitCode === undefined) summary.failures.push("the runner did not end");
  return summary;
}

/** The test cases of a JUnit file, as Bun and Deno write them: no CDATA, and `<` in a text always escaped. */
function parseTestCases(xml: string): TestCase[] {
  const cases: TestCase[] = [];
  const suites: string[] = [];
  let open: TestCase | undefined;
  for (const tag of xml.matchAll(/<(\/?)(\w+)((?:[^>"]|"[^"]*")*?)(\/?)>/g)) {
    const [whole, closing = "", element = "", attributes = "", selfClosing = ""] = tag;
    if (element === "testsuite") {
      if (closing !== "") suites.pop();
      else if (selfClosing === "") suites.push(attribute(attributes, "name"));
    } else if (element === "testcase") {
      if (closing === "") open = passedCase(suites, attributes);
      if (open !== undefined && (closing !== "" || selfClosing !== "")) cases.push(open);
    } else if (open !== undefined && closing === "") {
      const text = unescapeXml(xml.slice(tag.index + whole.length, xml.indexOf("<", tag.index + whole.length)));
      if (element === "failure" || element === "error") {
        open = { ...open, verdict: "failed", message: selfClosing === "" ? text : attribute(attributes, "message") };
      } else if (element === "skipped") {
        open = { ...open, verdict: "skipped", message: attribute(attributes, "message") || reasonIn(open.name) };
      }
    }
  }
  return cases;
}

/** The outermost suite is the file, which Bun names again on the test case and Deno (through our shim) does not know. */
function passedCase(suites: readonly string[], attributes: string): TestCase {
  const path = [...suites.slice(1), attribute(attributes, "name")].join(" > ");
  const file = attribute(attributes, "file");
  return { name: file === "" ? path : `${path} (${file})`, verdict: "passed", message: "" };
}

function attribute(attributes: string, name: string): string {
  return unescapeXml(new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "");
}

function reasonIn(name: string): string {
  return /\((?:needs|skipped:) [^)]+\)/.exec(name)?.[0] ?? "";
}

function unescapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replaceAll(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex?: string, decimal?: string, entity?: string) => {
    if (entity !== undefined) return entities[entity] ?? whole;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}

function counts(summaries: readonly RunSummary[]): string {
  const sum = (count: (summary: RunSummary) => number) => summaries.reduce((total, summary) => total + count(summary), 0);
  const skipped = sum(({ skips }) => skips.length);
  const line = `${sum(({ passed }) => passed)} passed, ${sum(({ failures }) => failures.length)} failed`;
  return skipped === 0 ? line : `${line}, ${skipped} skipped`;
}

function readRun(directory: string, name: string): Run {
  const exit = readIfThere(join(directory, `${name}.exit`))?.trim();
  return { name, xml: readIfThere(join(directory, `${name}.xml`)), exitCode: exit === undefined || exit === "" ? undefined : Number(exit) };
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
