import { expect, test } from "bun:test";
import fc from "fast-check";
import { escapeControl } from "../../src/sys/escape.ts";

test.each([
  ["plain ü 容器 🐳", "plain ü 容器 🐳"],
  ["a\nb\r\tc", "a\\nb\\r\\tc"],
  ["\u0000\u007f\u009b", "\\x00\\x7f\\x9b"],
  ["\u2028\u202e\u2066\u200f", "\\u2028\\u202e\\u2066\\u200f"],
])("escapeControl of %j", (text, escaped) => {
  expect(escapeControl(text)).toBe(escaped);
});

test("escapeControl leaves no control character", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !/\p{Cc}/u.test(escapeControl(text))));
});
