import { expect, test } from "bun:test";
import { findClosest } from "../../src/commands/suggest.ts";

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
])("findClosest of %p among %p", (word, candidates, expected) => {
  expect(findClosest(word, candidates)).toBe(expected);
});
