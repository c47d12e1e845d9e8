/** docs/compatibility.md names a test for every rule; each of them has to be there. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

const ROOT = new URL("../", import.meta.url);

const ROWS = readFileSync(new URL("docs/compatibility.md", ROOT), "utf8")
  .split("\n")
  .filter((line) => /^\| \d/.test(line))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

test("docs/compatibility.md has rows for sections 2, 3, 4, 7 and 12, each with all cells", () => {
  expect([...new Set(ROWS.map(([rule]) => rule?.split(".")[0]))]).toEqual(["2", "3", "4", "7", "12"]);
  expect(ROWS.filter((row) => row.length !== 5 || row.includes(""))).toEqual([]);
});

test("every test that docs/compatibility.md names is there", () => {
  const missing = ROWS.map(([, , , , reference = ""]) => reference).filter((reference) => {
    const [, file = "", name = ""] = /^`([^`]+)`: (.+)$/.exec(reference) ?? [];
    const url = new URL(file, ROOT);
    return file === "" || !existsSync(url) || !readFileSync(url, "utf8").includes(name);
  });
  expect(missing).toEqual([]);
});
