import { expect, test } from "bun:test";
import { licensesVerb } from "../../src/commands/licenses.ts";
import { captureContext } from "../support/context.ts";
import { runProgram, TARGET } from "../support/program.ts";
import packageFile from "../../package.json" with { type: "json" };

test("licenses says where the licenses are when ctar runs from its source", async () => {
  const context = captureContext();
  await licensesVerb.run({}, context);
  expect(context.stdout.join("\n")).toContain("LICENSE");
});

const compiled = TARGET === "compiled";

test.skipIf(!compiled)(
  `licenses lists all that a compiled file is made of, and gives the terms${compiled ? "" : " (skipped: not compiled)"}`,
  async () => {
    const { exitCode, stdout, stderr } = await runProgram("licenses");
    const [list = "", ...parts] = stdout.split("\n\n\n");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    for (const name of ["ctar", "Bun", ...Object.keys(packageFile.dependencies)]) {
      expect(list).toMatch(new RegExp(`^${name} \\d`, "m"));
      expect(parts.find((part) => part.startsWith(`${name} `))?.length).toBeGreaterThan(500);
    }
    expect(stdout).toContain("JavaScriptCore");
  },
);
