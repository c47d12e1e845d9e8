/** Documents that are wrong in one place: each value of a good one replaced by values of other types, and each key left out. */
import { YamlFloat, type YamlKey, YamlMap, type YamlValue } from "../../src/yaml/value.ts";

/** What stands in for a value. */
const STRANGERS: readonly YamlValue[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  2n ** 70n,
  new YamlFloat(1.5),
  "",
  "text",
  "..",
  "a\nb",
  "\u001b[31m",
  [],
  [null],
  ["text"],
  [[[]]],
  new YamlMap(),
  new YamlMap([[4, null]]),
  new YamlMap([["v4", "text"]]),
  YamlMap.of({ ":name": [new YamlMap()] }),
];

/** Every document that differs from a good one in one value. */
export function* mutationsOf(value: YamlValue): Generator<YamlValue> {
  yield* STRANGERS;
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) for (const changed of mutationsOf(item)) yield value.with(index, changed);
  }
  if (value instanceof YamlMap) {
    for (const [key, item] of value) {
      yield new YamlMap([...value].filter(([other]) => other !== key));
      for (const changed of mutationsOf(item)) yield withValue(value, key, changed);
    }
  }
}

function withValue(map: YamlMap, key: YamlKey, value: YamlValue): YamlMap {
  return new YamlMap([...map].map(([other, item]) => [other, other === key ? value : item]));
}
