/**
 * `bun run bench`: measures whole pipelines next to their peers, each in turn, several times, and prints what came out as Markdown; progress is on
 * stderr.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { AT_SIZES, BENCHMARKS, type Benchmark, type Pipeline } from "./benchmarks.ts";
import { LATENCY_ROUNDS, measureLatency } from "./latency.ts";
import { describeMachine, describeRun, describeStream, needTools } from "./machine.ts";
import { parseOptions, USAGE, type BenchOptions } from "./options.ts";
import { updateSections } from "./report.ts";
import { disturbance, judge, type Sample } from "./statistics.ts";
import { outcome, pipelineTable, sizesTable, verdictTable, type Results } from "./table.ts";
import { Setting } from "./setting.ts";
import { Workshop } from "./workshop.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const REPORT = path.join(ROOT, "docs/performance.md");
/** What no process of ours may exceed, in bytes. */
const PEAK_LIMIT_BYTES = 250e6;
const LATENCY = "latency";

async function main(options: BenchOptions): Promise<void> {
  if (options.help) return console.log(USAGE);
  const names = [...BENCHMARKS.map(({ name }) => name), AT_SIZES.name, LATENCY];
  if (options.list) return console.log(names.join("\n"));
  needTools();
  process.once("SIGINT", () => process.exit(130));
  const workshop = new Workshop(options);
  const wanted = (name: string): boolean => options.only?.test(name) ?? true;
  const sections = new Map([["machine", describeMachine(workshop)]]);
  const publish = (name: string, section: string): void => {
    sections.set(name, section);
    console.log(`${section}\n`);
  };
  console.log(`${sections.get("machine")}\n`);
  for (const benchmark of BENCHMARKS) if (wanted(benchmark.name)) publish(benchmark.name, await compare(benchmark, workshop, options));
  if (wanted(AT_SIZES.name) && options.sizes.length > 0) publish(AT_SIZES.name, await compareSizes(workshop, options));
  if (wanted(LATENCY)) publish(LATENCY, compareLatency(workshop));
  if (options.update) update(sections);
}

/** Runs a benchmark. @returns its section of the report */
async function compare(benchmark: Benchmark, workshop: Workshop, { mebibytes, rounds }: BenchOptions): Promise<string> {
  const { results, notes } = await run(benchmark, { workshop, mebibytes: mebibytes * benchmark.scale, rounds });
  const verdicts = benchmark.claims.flatMap((claim) => judge(claim, results.samples) ?? []);
  const tables = [pipelineTable(results), verdictTable(verdicts)].filter((table) => table !== "");
  if (benchmark.trial !== true) notes.push(peakVerdict(results));
  return [`### ${benchmark.title}`, notes.join(" "), ...tables].join("\n\n");
}

async function compareSizes(workshop: Workshop, { sizes, rounds }: BenchOptions): Promise<string> {
  const all = new Map<number, Results>();
  const notes = [describeRun(workshop, rounds)];
  for (const gibibytes of sizes) {
    const { results } = await run(AT_SIZES, { workshop, mebibytes: gibibytes * 1024, rounds });
    all.set(gibibytes, results);
    notes.push(`With ${gibibytes} GiB: ${peakVerdict(results)}`);
  }
  return [`### ${AT_SIZES.title}`, notes.join(" "), sizesTable(all)].join("\n\n");
}

function compareLatency(workshop: Workshop): string {
  const table = measureLatency(workshop.program, workshop.data);
  return ["### Short commands", describeRun(workshop, LATENCY_ROUNDS), table].join("\n\n");
}

/** Runs the pipelines of a benchmark in turn. */
async function run(
  benchmark: Benchmark,
  { workshop, mebibytes, rounds }: { workshop: Workshop; mebibytes: number; rounds: number },
): Promise<{ results: Results; notes: string[] }> {
  using setting = new Setting(workshop, benchmark, mebibytes);
  const pipelines = benchmark.pipelines.filter((pipeline) => canRun(pipeline, workshop));
  if (benchmark.prepare !== undefined) await setting.run(benchmark.prepare);
  const samples = new Map<string, Sample[]>(pipelines.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round += 1) {
    for (const pipeline of pipelines.filter(({ once }) => round === 1 || once !== true)) {
      const sample = await setting.run(pipeline.command);
      samples.get(pipeline.name)?.push(sample);
      const others = Math.round(100 * disturbance([sample], workshop.cores));
      console.error(
        `${benchmark.name} ${mebibytes} MiB  ${round}/${rounds}  ${sample.wallSeconds.toFixed(2)} s  ${pipeline.name}  (others: ${others} %)`,
      );
    }
  }
  const { stream, level, medium } = setting;
  const skipped = benchmark.pipelines.filter((pipeline) => !pipelines.includes(pipeline)).map(({ name }) => `"${name}" is not there yet.`);
  const others = (100 * disturbance([...samples.values()].flat(), workshop.cores)).toFixed(0);
  const conditions = `Gzip level ${level}, outputs ${medium}, others took up to ${others} % of the processors.`;
  const notes = [describeRun(workshop, rounds), describeStream(stream), conditions, ...skipped];
  return { results: { streamBytes: stream.bytes, samples }, notes };
}

function canRun({ needs, tool }: Pipeline, { help }: Workshop): boolean {
  return (needs?.test(help) ?? true) && (tool === undefined || Bun.which(tool) !== null);
}

function peakVerdict({ samples }: Results): string {
  const peak = Math.max(...[...samples.values()].flat().map(({ peakBytes }) => peakBytes));
  return `Peak memory of ctar ${(peak / 1e6).toFixed(0)} MB, at most ${PEAK_LIMIT_BYTES / 1e6} wanted: ${outcome(peak <= PEAK_LIMIT_BYTES)}.`;
}

function update(sections: ReadonlyMap<string, string>): void {
  const before = fs.existsSync(REPORT) ? fs.readFileSync(REPORT, "utf8") : "# Performance\n";
  fs.writeFileSync(REPORT, updateSections(before, sections));
  execFileSync(path.join(ROOT, "node_modules/.bin/oxfmt"), [REPORT]);
}

function optionsOrUsage(): BenchOptions {
  try {
    return parseOptions(process.argv.slice(2), process.env);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

await main(optionsOrUsage());
