import { describe, expect, test } from "bun:test";
import { dumpYaml } from "../../src/yaml/dump.ts";
import { loadYaml } from "../../src/yaml/load.ts";
import type { YamlValue } from "../../src/yaml/value.ts";
import { askPsych, psychVersion } from "./ask-psych.ts";
import { decodeValue, encodeValue, NastyValues, WORDS } from "./nasty-values.ts";

const version = psychVersion();
const COUNT = 3000;

describe(`beside ${version ?? "Psych (skipped: no ruby here)"}`, () => {
  test.skipIf(version === undefined)("dumpYaml prints what YAML.dump prints, whatever YAML.safe_load then accepts", () => {
    const nasty = new NastyValues(2);
    const values = Array.from({ length: COUNT }, () => nasty.value(3));
    const answers = askPsych(values.map((value) => ({ dump: encodeValue(value) })));
    const readable = answers.flatMap((answer, index) => (answer.safe === true ? [[answer.text, values[index] as YamlValue] as const] : []));
    expect(readable.length).toBeGreaterThan(COUNT * 0.9);
    for (const [text, value] of readable) {
      expect(dumpYaml(value)).toBe(text as string);
      expect(encodeValue(loadYaml(text as string, "dump"))).toEqual(encodeValue(value));
    }
  });

  test.skipIf(version === undefined)("YAML.safe_load reads everything dumpYaml prints", () => {
    const texts = [...WORDS, "2024-02-30", "2024-13-01 10:00:00", "0x_", "a\u2028b", "a\u2029\nb\n"];
    const answers = askPsych(texts.map((text) => ({ load: dumpYaml([text]) })));
    expect(answers).toEqual(texts.map((text) => ({ value: [text] })));
  });

  test.skipIf(version === undefined)("loadYaml takes unquoted words for what YAML.safe_load takes them for", () => {
    const words = [...WORDS, ...PLAIN_WORDS].filter((word) => /^[\w+.~=-][\w+.,:~=-]*$/.test(word) && !/:$|^(?:-|---|\.\.\.)$/.test(word));
    const answers = askPsych(words.map((word) => ({ load: `- ${word}\n` })));
    const both = words.flatMap((word, index) => {
      const { value } = answers[index] ?? {};
      return value === undefined
        ? []
        : [{ word, psych: encodeValue(decodeValue(value)), ours: encodeValue(loadYaml(`- ${word}\n`, "word")) }];
    });
    expect(both.length).toBeGreaterThan(100);
    expect(both.map(({ word, ours }) => [word, ours])).toEqual(both.map(({ word, psych }) => [word, psych]));
  });
});

const PLAIN_WORDS = Array.from({ length: 2000 }, (_, index) => plainWord(index));

/** Words of a few pieces that numbers are made of. */
function plainWord(index: number): string {
  const pieces = ["1", "0", "9", "_", ",", ".", "e+5", "-", "+", ":", "30", "0x", "0b", "a", "08", "59"];
  let word = "";
  for (let rest = index * 7919 + 1; rest > 0; rest = Math.floor(rest / pieces.length)) word += pieces[rest % pieces.length];
  return word;
}
