/**
 * What a YAML document of ours can hold, as values that survive reading and writing unchanged.
 *
 * - integers are `number` (`bigint` beyond 2^53), so `typeof value === "number"` means an integer;
 * - floats are a {@link YamlFloat}, because `22.0` must not come back as `22`;
 * - mappings are a {@link YamlMap}: keys keep their order and their type (`4` and `"4"` are two keys), setting a key keeps its place;
 * - everything else is the JavaScript value of that name. There are no dates, symbols or shared nodes.
 */

/** A value of a YAML document. */
export type YamlValue = null | boolean | number | bigint | string | YamlFloat | YamlValue[] | YamlMap;

/** A key of a mapping. */
export type YamlKey = null | boolean | number | bigint | string;

/** A floating point number. */
export class YamlFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A mapping, in the order in which it is written. */
export class YamlMap extends Map<YamlKey, YamlValue> {
  /** Makes a mapping from an object. Only for keys that do not look like integers: JavaScript moves those to the front. */
  static of(fields: Readonly<Record<string, YamlValue>>): YamlMap {
    return new YamlMap(Object.entries(fields));
  }

  /** Gives a key another name in the same place, dropping an entry that already has that name. Does nothing when there is no such key. */
  rename(from: YamlKey, to: YamlKey): void {
    if (!this.has(from) || from === to) return;
    const entries = [...this].filter(([key]) => key !== to);
    this.clear();
    for (const [key, value] of entries) this.set(key === from ? to : key, value);
  }
}
