import { beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { loadVerbs, renderManPage } from "../../scripts/man-page.ts";
import { describeOptions, describePositionals } from "../../src/commands/command-line/describe.ts";
import { ENVIRONMENT } from "../../src/commands/command-line/program.ts";

const verbs = await loadVerbs();
let page = "";
/** As a reader sees it, without bold and underlined characters; lines are not broken. */
let text = "";

beforeAll(async () => {
  page = await renderManPage("2026-01-02");
  text = run(["groff", "-Tascii", "-man", "-P-cbou", "-rLL=2000n"]).output;
});

/** Runs a program on the page. */
function run(
  [file = "", ...args]: readonly string[],
  env: Record<string, string> = {},
): { status: number | null; output: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(file, args, { input: page, encoding: "utf8", env: { ...process.env, ...env } });
  return { status, output: stdout, stderr };
}

describe("the man page", () => {
  test.each([[["groff", "-ww", "-man", "-z"]], [["mandoc", "-Tlint", "-W", "warning"]], [["man", "--warnings", "-E", "UTF-8", "-l", "-"]]])(
    "gives %p nothing to warn of",
    (argv) => {
      const { status, output, stderr } = run(argv, { MANWIDTH: "80", LC_ALL: "C.UTF-8", PAGER: "cat" });
      expect([status, stderr]).toEqual([0, ""]);
      if (argv[0] !== "man") expect(output).toBe("");
      else expect(Math.max(...output.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    },
  );

  test("tells its date, and is the same each time", async () => {
    expect(text).toContain("2026-01-02");
    expect(await renderManPage("2026-01-02")).toBe(page);
  });

  test.each(verbs)("tells of %s what its help tells, as it is typed", (command, { args, description = "", examples }) => {
    const begin = text.search(new RegExp(`^ +${command} \\[options\\]`, "m"));
    const section = text.slice(begin, text.indexOf("\n   ctar ", begin + 10));
    const plain = section.replaceAll(/\s+/g, " ");
    expect(begin).toBeGreaterThan(0);
    for (const paragraph of description.split("\n\n")) expect(plain).toContain(paragraph);
    for (const { label, description: what } of describePositionals(args)) expect(plain).toContain(`${label} ${what}`);
    for (const { name, value, description: what } of describeOptions(args)) {
      expect(plain).toContain(`${name}${value === undefined ? "" : ` ${value}`} ${what}`);
    }
    for (const line of examples.flatMap((example) => example.split("\n"))) expect(section).toContain(`           ${line}\n`);
  });

  test("tells of exit codes and variables", () => {
    for (const code of ["0 ", "12 ", "130 "]) expect(text).toMatch(new RegExp(`^ {7}${code}`, "m"));
    for (const [name] of ENVIRONMENT) expect(text).toMatch(new RegExp(`^ {7}${name}`, "m"));
  });
});
