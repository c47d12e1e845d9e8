/**
 * Values that are hard to print as YAML, from a seed, and their form as JSON for talking to Ruby.
 *
 * In JSON a mapping is `{"map": [[key, value], ...]}`, an integer `{"int": "12"}`, a float `{"float": "22.0"}`; all else is itself.
 */
import { YamlFloat, type YamlKey, YamlMap, type YamlValue } from "../../src/yaml/value.ts";

/** Strings that were, are or look like something else. */
export const WORDS: readonly string[] = [
  "yes no Yes NO on Off TRUE tRue null NULL Null ~ y n Y N << = - -- --- ... ? : | > % @ ` ! * & # [] {} nullx yesno".split(" "),
  "12 0755 0x1f 0xZ 0b11 0b2 1e3 1.0e+3 1.e+5 .e+5 1.5e3 22.04 3.20 08 09 0_8 00 0 -0 +1 -1 0_ 0x_1 _1 1. -. -.5 +.5 1_.5".split(" "),
  "1_000 1__0 1,000 1,,0 0o17 10:30 1:30:15 0:1:2 1:60 1:2:3:4 00:00 1_1:20 190:20:30.15 1:30. -1:30 0:666000:65536".split(" "),
  "2024-01-01 2024-1-1 2024-1-01 99999-01-01 2024-01-01T10:00:00.5Z .inf -.inf +.inf .Inf .nan .NaN +.nan".split(" "),
  "00:16:3e:5a:1c:77 192.168.1.1 2001:db8::1/64 ::1 /default rwm tank/ct/x a: a:b a#b -a ?a :a ,a a,b 'a' \"a\" it's a\"b ye\u017f".split(
    " ",
  ),
  "é žluťoučký 日本 😀 a😀 \u2167x \u00b2 \u0301x \u0663 \ufeffa a\ufeffb \uffff \ufffd \ue000 \u200b".split(" "),
  ["", " ", "  ", " a", "a ", "a: b", "a #b", "a  b", "2024-01-01 10:00:00", "2024-01-01 10:00:00 +01:00", "2024-1-1 1:00:00.", "- a"],
  [
    "a\n",
    "a\nb",
    "a\nb\n",
    "a\n\n",
    "a\nb\n\n",
    "\n",
    "\n\n",
    "\n\n\n",
    "\na",
    " a\nb",
    "a \nb",
    "a\n b\n",
    " \n \n",
    "x\n ",
    "a\n\n\nb\n\n\n",
  ],
  ["--- a\n--- b", "a\n# b\n", "- a\n- b\n", "a:\n  b\n", "\ta\nb", "a\n\tb", "it's\n", "y\n", "lxc.environment = TZ=Europe/Prague\n"],
  ["\0", "\x07\b\v\f\x1b\x7f", "\t", "a\tb", "a\r\nb", "\r", "\u0085", "a\u0085b", "\u00a0", "\u0080", "\\", '"', "'", "''", '" a'],
].flat();

const LETTERS = ["a", "bc", "def", "word", " ", " ", " ", "  ", "   "];
const LINES = ["a", "foo bar", "#x", "- y", "k: v", "", "x", "  ", "'", "long ".repeat(20), "  indented"];
const FLOATS = [22, 1.5, 1e20, 1e16, 1e15, 1e14, 1277337626088410.5, 0.0001, 0.00001, -0, 0, Infinity, -Infinity, 1 / 3, 5e-324, -2.5e-7];
const INTEGERS = [0, 1, -1, 4, 65536, 2 ** 53 - 1, 2n ** 53n, 2n ** 64n, -(2n ** 70n)];

/** Makes values; the same seed makes the same ones. */
export class NastyValues {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A value nested up to `depth` levels. */
  value(depth: number): YamlValue {
    const kind = this.#below(100);
    if (depth > 0 && kind < 20) return Array.from({ length: this.#below(4) }, () => this.value(depth - 1));
    if (depth > 0 && kind < 45) return new YamlMap(Array.from({ length: this.#below(4) }, () => [this.#key(), this.value(depth - 1)]));
    if (kind < 80) return this.text();
    if (kind < 86) return this.#pick(INTEGERS);
    if (kind < 92) return new YamlFloat(this.#pick(FLOATS));
    return kind < 96 ? kind % 2 === 0 : null;
  }

  /** A string: a known word, a mixture, lines, or words around the fold at column 80 and the limit of keys. */
  text(): string {
    const kind = this.#below(10);
    if (kind < 3) return this.#pick(WORDS);
    if (kind < 5) return this.#join(1 + this.#below(6), () => this.#pick(WORDS));
    if (kind < 7) return this.#join(20 + this.#below(50), () => this.#pick(LETTERS));
    if (kind < 8) return this.#join(20 + this.#below(30), () => this.#pick(this.#below(4) === 0 ? WORDS : LETTERS));
    if (kind < 9) return this.#join(1 + this.#below(6), () => `${this.#pick(LINES)}\n`) + this.#pick(LINES);
    return "x".repeat(118 + this.#below(20)) + "é".repeat(this.#below(3));
  }

  #key(): YamlKey {
    const kind = this.#below(20);
    if (kind < 17) return this.text();
    return kind < 19 ? this.#pick(INTEGERS) : this.#pick([true, false, null]);
  }

  #join(count: number, piece: () => string): string {
    return Array.from({ length: count }, piece).join("");
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)] as T;
  }

  #below(limit: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * limit);
  }
}

/** A value in JSON. */
export type EncodedValue =
  | string
  | boolean
  | null
  | EncodedValue[]
  | { map: [EncodedValue, EncodedValue][] }
  | { int: string }
  | { float: string };

/** Encodes a value for JSON. */
export function encodeValue(value: YamlValue): EncodedValue {
  if (Array.isArray(value)) return value.map(encodeValue);
  if (value instanceof YamlMap) return { map: [...value].map(([key, item]) => [encodeValue(key), encodeValue(item)]) };
  if (value instanceof YamlFloat) return { float: Object.is(value.value, -0) ? "-0.0" : String(value.value) };
  return typeof value === "number" || typeof value === "bigint" ? { int: String(value) } : value;
}

/** Undoes {@link encodeValue}. */
export function decodeValue(encoded: EncodedValue): YamlValue {
  if (Array.isArray(encoded)) return encoded.map(decodeValue);
  if (encoded === null || typeof encoded !== "object") return encoded;
  if ("map" in encoded) return new YamlMap(encoded.map.map(([key, item]) => [decodeValue(key) as YamlKey, decodeValue(item)]));
  if ("float" in encoded) return new YamlFloat(Number(encoded.float));
  return Number.isSafeInteger(Number(encoded.int)) ? Number(encoded.int) : BigInt(encoded.int);
}
