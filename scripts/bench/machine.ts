/** What was measured with, and on what. */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import type { Flavour, StreamFile } from "./streams.ts";
import type { Workshop } from "./workshop.ts";

const GIB = 1024 ** 3;
/** Tools that take part, and how each tells its version. */
const TOOLS: readonly (readonly [name: string, ...args: string[]])[] = [
  ["ruby", "--version"],
  ["gzip", "--version"],
  ["pigz", "--version"],
  ["libdeflate-gzip", "-V"],
  ["igzip", "--version"],
  ["tar", "--version"],
  ["cat", "--version"],
  ["podman", "--version"],
  ["skopeo", "--version"],
];
const PACKAGES = [
  "ruby:ruby",
  "pigz:pigz",
  "libdeflate-gzip:libdeflate-tools",
  "igzip:isal",
  "perl:perl",
  "podman:podman",
  "skopeo:skopeo",
];

const CONTENTS: Readonly<Record<Flavour, string>> = {
  plain: "blocks as they are",
  packed: "blocks compressed by zstd",
  tiny: "a tree of files of 1 to 4 KiB",
  mixed: "a tree of files of all sizes",
  image: "a docker-archive of this machine's files, layers as they are",
};

/** Installs the tools that are missing. */
export function needTools(): void {
  execFileSync(`${import.meta.dirname}/../apt-need`, PACKAGES, { stdio: "inherit" });
}

/** A list of the machine, the system, the tools. */
export function describeMachine(workshop: Workshop): string {
  const cpu = os.cpus()[0]?.model ?? "unknown processor";
  const tools = TOOLS.map(([name, ...args]) => versionOf(name, args)).join(", ");
  return [
    `- ${workshop.cores} cores of ${cpu}, ${(os.totalmem() / GIB).toFixed(0)} GiB of memory`,
    `- Linux ${os.release()}, ${systemName()}`,
    `- Bun ${Bun.version}, ${tools}`,
  ].join("\n");
}

/** A sentence on when, and with which program. */
export function describeRun(workshop: Workshop, rounds: number): string {
  const program = execFileSync(workshop.program, ["--version"], { encoding: "utf8" }).trim();
  return `Median of ${rounds}, measured on ${new Date().toISOString().slice(0, 10)} with ${program}.`;
}

/** A sentence on a stream. */
export function describeStream({ flavour, bytes, records, files, gzipRatio }: StreamFile): string {
  const numbers = [records, files].map((number) => number.toLocaleString("en"));
  const [what, parts] = flavour === "image" ? ["Archive", "layers"] : ["Stream", "records"];
  return `${what} of ${(bytes / GIB).toFixed(2)} GiB: ${CONTENTS[flavour]}, ${numbers[0]} ${parts}, ${numbers[1]} files; gzip -6 divides it by ${gzipRatio.toFixed(2)}.`;
}

function versionOf(name: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(name, args, { encoding: "utf8" });
  const version = /\d+(\.\d+)+\S*/.exec(`${stdout}${stderr}`)?.[0] ?? "";
  return `${name} ${version}`.trim();
}

/** The name of the system, as it calls itself. */
export function systemName(): string {
  return /^PRETTY_NAME="(.*)"$/m.exec(fs.readFileSync("/etc/os-release", "utf8"))?.[1] ?? "";
}
