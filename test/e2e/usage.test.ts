import { expect, test } from "bun:test";
import { commands } from "../../src/commands/index.ts";
import { ENVIRONMENT } from "../../src/commands/command-line/program.ts";
import { runProgram } from "../support/program.ts";

test.each<[string[], string]>([
  [
    ["--unknown"],
    'error: Unknown option "--unknown"\n\nhint: Options follow the command: ctar <command> --unknown\nhint: See ctar --help\n',
  ],
  [["frobnicate"], 'error: Unknown command "frobnicate"\n\nhint: See ctar --help\n'],
  [["frob\u001b[2Jnicate"], 'error: Unknown command "frob\\x1b[2Jnicate"\n\nhint: See ctar --help\n'],
  [["--verson"], 'error: Unknown option "--verson"\n\nhint: Did you mean --version?\nhint: See ctar --help\n'],
])("ctar %p is a usage error", async (args, stderr) => {
  expect(await runProgram(...args)).toEqual({ exitCode: 2, stdout: "", stderr });
});

test("ctar alone shows the overview on stderr and exits 2, ctar --help on stdout and exits 0", async () => {
  const alone = await runProgram();
  const asked = await runProgram("--help");
  expect(alone).toEqual({ exitCode: 2, stdout: "", stderr: asked.stdout });
  expect(asked).toEqual({ exitCode: 0, stdout: alone.stderr, stderr: "" });
  for (const { name, summary } of commands) expect(asked.stdout).toMatch(new RegExp(`^ {2}${name} +${summary}$`, "m"));
  for (const [name] of ENVIRONMENT) expect(asked.stdout).toMatch(new RegExp(`^ {2}${name} `, "m"));
});

test("ctar --version names version, commit and runtime", async () => {
  const { exitCode, stdout, stderr } = await runProgram("--version");
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^ctar \d+\.\d+\.\d+ \([0-9a-z-]+, (bun|deno) \d+\.\d+\.\d+\)\n$/);
});

test.each(commands.map(({ name }) => [name]))("ctar %s --help shows its usage", async (name) => {
  const { exitCode, stdout, stderr } = await runProgram(name, "--help");
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(`Usage: ctar ${name} `);
  expect(await runProgram("help", name)).toEqual({ exitCode, stdout, stderr });
});
