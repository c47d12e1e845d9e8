import { expect, test } from "bun:test";
import { findClosest } from "../../../src/commands/command-line/suggest.ts";

test.each<[string, string[], string | undefined]>([
  ["exprot", ["import", "export"], "export"],
  ["improt", ["export", "import"], "import"],
  ["expor", ["export"], "export"],
  ["ls", ["list", "cat"], undefined],
  ["verify", ["inspect", "list"], undefined],
  ["lst", ["ls", "list"], "ls"],
  ["", ["a"], undefined],
  ["-x", ["-c"], undefined],
  ["export", [], undefined],
  ["Export", ["import", "export"], "export"],
  ["--as_id", ["--as-user", "--as-id"], "--as-id"],
  ["--dryrun", ["--dry-run", "--raw"], "--dry-run"],
  ["--comp", ["--consistent", "--compression"], "--compression"],
  ["--ver", ["--verify", "--verbose"], undefined],
  ["--", ["--verify"], undefined],
  ["e", ["export"], undefined],
])("findClosest of %p among %p", (word, candidates, expected) => {
  expect(findClosest(word, candidates)).toBe(expected);
});
