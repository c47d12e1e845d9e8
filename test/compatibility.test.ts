/** docs/compatibility.md names a test for every rule; each of them has to be there. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

const ROOT = new URL("../", import.meta.url);

const ROWS = readFileSync(new URL("docs/compatibility.md", ROOT), "utf8")
  .split("\n")
  .filter((line) => /^\| [\d`]/.test(line))
  .map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );

test("docs/compatibility.md has rows for sections 2, 3, 4, 7 and 12, and for images, each with all cells", () => {
  const sections = ROWS.map(([rule = ""]) => (rule.startsWith("`") ? "images" : rule.split(".")[0]));
  expect([...new Set(sections)]).toEqual(["2", "3", "4", "7", "12", "images"]);
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
