import { expect, test } from "bun:test";
import { splitLine } from "../../../src/commands/completion/split-line.ts";

test.each<[string, string[]]>([
  ["", [""]],
  ["ctar", ["ctar"]],
  ["ctar ", ["ctar", ""]],
  ["  ctar \t ex", ["ctar", "ex"]],
  ["ctar a\\ b", ["ctar", "a b"]],
  ["ctar 'a b", ["ctar", "a b"]],
  ['ctar "a b', ["ctar", "a b"]],
  ['ctar "a \\" \\x" c', ["ctar", 'a " \\x', "c"]],
  ["ctar 'a \\' c", ["ctar", "a \\", "c"]],
  ["ctar --pool='my pool' --as-id=\"x y\"z", ["ctar", "--pool=my pool", "--as-id=x yz"]],
  ["ctar '' \"\" x", ["ctar", "", "", "x"]],
  ["ctar $HOME ~ a\\", ["ctar", "$HOME", "~", "a"]],
])("splitLine of %j", (line, words) => {
  expect(splitLine(line)).toEqual(words);
});
