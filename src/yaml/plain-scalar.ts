/**
 * What Ruby's Psych takes an unquoted word for: YAML 1.1 with Psych's own rules where it departs from that.
 *
 * Both directions need it. The reader turns the word into its value; the writer quotes every string that would come back as something
 * else. The rules are those of `Psych::ScalarScanner` 4.0, found by experiment, for instance:
 * `y` and `n` are strings; `1e3` is a string because a float needs its point; `1,000` and `1_000` are 1000; `017` is 15 but `08` a string;
 * `1:30:15` is 5415, and `1:30` is 5400 because Psych always counts the first group as hours. Dates and symbols, which `YAML.safe_load`
 * refuses, are read as strings.
 */
import { YamlFloat } from "./value.ts";

/** What an unquoted word is. */
type PlainKind =
  | "null"
  | "true"
  | "false"
  | "timestamp"
  | "symbol"
  | "infinity"
  | "nan"
  | "clock"
  | "clock-float"
  | "float"
  | "integer"
  | "string";

const KINDS: readonly (readonly [PlainKind, RegExp])[] = [
  ["null", /^(?:~|null)?$/iu],
  ["true", /^(?:yes|true|on)$/iu],
  ["false", /^(?:no|false|off)$/iu],
  ["timestamp", /^\d{4}-(?:1[012]|0?\d)-(?:3[01]|[012]?\d)$/],
  ["timestamp", /^-?\d{4}-\d{1,2}-\d{1,2}(?:[Tt]|\s+)\d{1,2}:\d\d:\d\d(?:\.\d*)?(?:\s*(?:Z|[-+]\d{1,2}:?(?:\d\d)?))?$/],
  ["symbol", /^:./],
  ["infinity", /^[-+]?\.inf$/iu],
  ["nan", /^\.nan$/iu],
  ["clock", /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}$/],
  ["clock-float", /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}\.[0-9_]*$/],
  ["float", /^[-+]?(?:(?:[0-9][0-9_,]*)?\.[0-9]+|[0-9][0-9_,]*\.)(?:[eE][-+][0-9]+)?$/],
  ["integer", /^[-+]?(?:0b[01_,]+|0x[0-9a-fA-F_,]+|0[0-7_,]+|0|[1-9](?:[0-9]|[_,][0-9])*)$/],
];

/** Says what an unquoted word is. */
export function plainKind(text: string): PlainKind {
  return KINDS.find(([, pattern]) => pattern.test(text))?.[0] ?? "string";
}

/** Reads an unquoted word; one of the kind `integer` without a digit (`0x_`) is a string. */
export function parsePlain(text: string): null | boolean | number | bigint | string | YamlFloat {
  switch (plainKind(text)) {
    case "null":
      return null;
    case "true":
      return true;
    case "false":
      return false;
    case "infinity":
      return new YamlFloat(text.startsWith("-") ? -Infinity : Infinity);
    case "nan":
      return new YamlFloat(NaN);
    case "clock":
      return narrow(parseClock(text));
    case "clock-float":
      return new YamlFloat(parseClockFloat(text));
    case "float":
      return new YamlFloat(Number(text.replace(/[,_]/g, "")));
    case "integer":
      return parseInteger(text.replace(/[,_]/g, "")) ?? text;
    case "timestamp":
    case "symbol":
    case "string":
      return text;
  }
}

/** An integer as a number where that is exact. */
function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function parseInteger(text: string): number | bigint | undefined {
  const digits = text.replace(/^[-+]/, "");
  if (/^0[bx]$/.test(digits)) return undefined;
  const magnitude = BigInt(digits.replace(/^0(?=[0-7])/, "0o"));
  return narrow(text.startsWith("-") ? -magnitude : magnitude);
}

/** Hours, minutes and seconds; only the hours carry the sign. */
function parseClock(text: string): bigint {
  const [hours = 0n, minutes = 0n, seconds = 0n] = text.split(":").map((group) => BigInt(leadingDigits(group)));
  return hours * 3600n + minutes * 60n + seconds;
}

function parseClockFloat(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.split(":").map((group) => Number(leadingDigits(group)));
  return hours * 3600 + minutes * 60 + seconds;
}

/** Ruby's `to_i` and `to_f` skip one underscore between two digits and stop at anything else. */
function leadingDigits(group: string): string {
  const number = /^[-+]?[0-9]+(?:_[0-9]+)*(?:\.[0-9]+(?:_[0-9]+)*)?/.exec(group)?.[0] ?? "0";
  return number.replace(/^\+/, "").replaceAll("_", "");
}
