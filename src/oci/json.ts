/**
 * JSON from outside, bounded: how deep it is, how many values it has. A key that comes twice in one object is refused, since of two readers
 * one takes the first value and one the last, and so what one has checked is not what the other uses.
 *
 * @see RFC 8259
 */
import { damaged } from "../errors.ts";
import { quoted } from "./quoted.ts";

/** A JSON object; without a prototype, so that every key is just a key. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Any JSON value. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** Most bytes of an index, a manifest or a configuration; containerd's limit, too. */
export const JSON_LIMIT_BYTES: number = 8 * 1024 * 1024;

const DEPTH_LIMIT = 64;
const VALUES_LIMIT = 500_000;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const SPACE = /[ \t\n\r]*/y;
const WORDS = new Map<string, JsonValue>([
  ["true", true],
  ["false", false],
  ["null", null],
]);

/** Parses one JSON text. @param where what messages call it, quoted @throws ToolError damaged */
export function parseJson(bytes: Uint8Array, where: string): JsonValue {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw damaged(`Cannot read ${where}: it is no JSON, it is not UTF-8`);
  }
  return new Parser(text, where).parse();
}

/** Whether a value is an object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

class Parser {
  readonly #text: string;
  readonly #where: string;
  #at = 0;
  #depth = 0;
  #values = 0;

  constructor(text: string, where: string) {
    this.#text = text;
    this.#where = where;
  }

  parse(): JsonValue {
    const value = this.#value();
    if (this.#at < this.#text.length) throw this.#notJson();
    return value;
  }

  /** A value and the space around it. */
  #value(): JsonValue {
    this.#values += 1;
    if (this.#values > VALUES_LIMIT) throw this.#refusal(`it has more than ${VALUES_LIMIT} values`);
    this.#match(SPACE);
    const value = this.#bareValue();
    this.#match(SPACE);
    return value;
  }

  #bareValue(): JsonValue {
    const first = this.#text[this.#at];
    if (first === '"') return this.#string();
    if (first === "{") return this.#nested(() => this.#object());
    if (first === "[") return this.#nested(() => this.#array());
    const number = this.#match(NUMBER);
    if (number !== "") return Number(number);
    for (const [word, value] of WORDS) if (this.#take(word)) return value;
    throw this.#notJson();
  }

  #nested<T>(read: () => T): T {
    this.#depth += 1;
    if (this.#depth > DEPTH_LIMIT) throw this.#refusal(`it is nested deeper than ${DEPTH_LIMIT}`);
    this.#at += 1;
    const value = read();
    this.#depth -= 1;
    return value;
  }

  #object(): JsonObject {
    const object = Object.create(null) as Record<string, JsonValue>;
    this.#match(SPACE);
    if (this.#take("}")) return object;
    do {
      this.#match(SPACE);
      const key = this.#string();
      if (key in object) throw this.#refusal(`the key ${quoted(key)} comes twice`);
      this.#match(SPACE);
      this.#expect(":");
      object[key] = this.#value();
    } while (this.#take(","));
    this.#expect("}");
    return object;
  }

  #array(): JsonValue[] {
    const array: JsonValue[] = [];
    this.#match(SPACE);
    if (this.#take("]")) return array;
    do array.push(this.#value());
    while (this.#take(","));
    this.#expect("]");
    return array;
  }

  /** A string; where it ends is looked for here, what is in it is for JSON.parse. */
  #string(): string {
    if (this.#text[this.#at] !== '"') throw this.#notJson();
    let end = this.#text.indexOf('"', this.#at + 1);
    while (end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    if (end === -1) throw this.#notJson();
    try {
      const value = JSON.parse(this.#text.slice(this.#at, end + 1)) as string;
      this.#at = end + 1;
      return value;
    } catch {
      throw this.#notJson();
    }
  }

  /** Whether an odd number of backslashes stands before. */
  #isEscaped(at: number): boolean {
    let start = at;
    while (this.#text[start - 1] === "\\") start -= 1;
    return (at - start) % 2 === 1;
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }

  #expect(token: string): void {
    if (!this.#take(token)) throw this.#notJson();
  }

  #notJson(): Error {
    return this.#refusal(`it is no JSON, from character ${this.#at} on`);
  }

  #refusal(reason: string): Error {
    return damaged(`Cannot read ${this.#where}: ${reason}`);
  }
}
