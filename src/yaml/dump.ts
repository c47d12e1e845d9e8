/**
 * Writes YAML byte for byte as Ruby's `YAML.dump` (Psych 4 on libyaml 0.2.5) prints the same data: osctld and people comparing files see
 * no difference.
 *
 * One document in block style after `---`; list items at the column of their key; `[]` and `{}` when empty; nothing after the colon for
 * null; a key of more than 128 bytes or with a line break behind `? `; `...` at the end when the last block keeps several line breaks.
 * The choice of quotes is in scalar-style.ts, folding in write-scalar.ts. Unlike Psych it never writes anchors and aliases, which
 * `YAML.safe_load` refuses: a value that occurs twice is written twice.
 */
import { hasBreak, scalarStyle } from "./scalar-style.ts";
import { type YamlKey, YamlFloat, YamlMap, type YamlValue } from "./value.ts";
import { chomping, type ScalarPlace, writeScalar } from "./write-scalar.ts";
import { YamlWriter } from "./writer.ts";

const INDENT = 2;
const SIMPLE_KEY_BYTES = 128;

/** Prints a value as a YAML document. @throws TypeError for a string with half a surrogate pair, or a value YAML does not know */
export function dumpYaml(value: YamlValue): string {
  const writer = new YamlWriter();
  const dumper = new Dumper(writer);
  writer.indicator("---");
  dumper.root(value);
  writer.indent(0);
  if (dumper.isOpenEnded) {
    writer.indicator("...");
    writer.indent(0);
  }
  return writer.text;
}

/** Columns and the document's end. */
class Dumper {
  readonly #writer: YamlWriter;
  /** Whether the last literal block could be taken to go on. */
  isOpenEnded = false;

  constructor(writer: YamlWriter) {
    this.#writer = writer;
  }

  root(value: YamlValue): void {
    if (isEmptyOrScalar(value)) this.#leaf(value, INDENT);
    else this.#block(value, 0);
  }

  /** Writes a node below a parent at column `parent`. */
  #node(value: YamlValue, parent: number, isMapValue: boolean): void {
    if (isEmptyOrScalar(value)) return this.#leaf(value, parent + INDENT);
    const sharesColumn = Array.isArray(value) && isMapValue && !this.#writer.inIndentation;
    this.#block(value, sharesColumn ? parent : parent + INDENT);
  }

  #block(value: YamlValue[] | YamlMap, column: number): void {
    if (Array.isArray(value)) this.#list(value, column);
    else this.#map(value, column);
  }

  #list(items: readonly YamlValue[], column: number): void {
    for (const item of items) {
      this.#writer.indent(column);
      this.#writer.indicator("-", { indents: true });
      this.#node(item, column, false);
    }
  }

  #map(map: YamlMap, column: number): void {
    for (const [key, value] of map) {
      this.#writer.indent(column);
      if (isSimpleKey(key)) {
        this.#key(key);
        this.#writer.indicator(":", { spaced: false });
      } else {
        this.#writer.indicator("?", { indents: true });
        this.#leaf(key, column + INDENT);
        this.#writer.indent(column);
        this.#writer.indicator(":", { indents: true });
      }
      this.#node(value, column, true);
    }
  }

  /** Writes a key that fits before its colon. */
  #key(key: YamlKey): void {
    if (key === null) this.#writer.indicator("! ''");
    else this.#scalar(key, { indent: 0, folds: false });
  }

  /** Writes a scalar, or an empty list or mapping. */
  #leaf(value: YamlValue, indent: number): void {
    if (Array.isArray(value)) this.#writer.indicator("[]");
    else if (value instanceof YamlMap) this.#writer.indicator("{}");
    else this.#scalar(value, { indent, folds: true });
  }

  #scalar(value: Scalar, place: ScalarPlace): void {
    if (typeof value !== "string") return writeScalar(this.#writer, printPlain(value), "plain", place);
    if (!value.isWellFormed()) throw new TypeError(`Cannot write ${JSON.stringify(value)} as YAML: half a surrogate pair`);
    const style = scalarStyle(value);
    if (style === "literal") this.isOpenEnded = chomping(value) === "+";
    if (value === "<<") this.#writer.indicator("!!str");
    writeScalar(this.#writer, value, style, place);
  }
}

type Scalar = Exclude<YamlValue, YamlValue[] | YamlMap>;

function isEmptyOrScalar(value: YamlValue): value is Scalar {
  if (Array.isArray(value)) return value.length === 0;
  return !(value instanceof YamlMap) || value.size === 0;
}

/** Whether a key fits before its colon. */
function isSimpleKey(key: YamlKey): boolean {
  return typeof key !== "string" || (!hasBreak(key) && Buffer.byteLength(key) <= SIMPLE_KEY_BYTES);
}

function printPlain(value: Exclude<Scalar, string>): string {
  if (value === null) return "";
  if (value instanceof YamlFloat) return printFloat(value.value);
  if (typeof value === "number" && !Number.isInteger(value)) return printFloat(value);
  if (typeof value === "number" || typeof value === "bigint") return BigInt(value).toString();
  if (typeof value === "boolean") return String(value);
  throw new TypeError(`Cannot write a value of type ${typeof value} as YAML`);
}

/** Prints a float as Ruby does: shortest digits, always with a point, an exponent below 1.0e-04 and for whole numbers from 1.0e+15 on. */
function printFloat(value: number): string {
  if (Number.isNaN(value)) return ".nan";
  if (!Number.isFinite(value)) return value < 0 ? "-.inf" : ".inf";
  const sign = Object.is(value, -0) || value < 0 ? "-" : "";
  const [mantissa = "", power = ""] = Math.abs(value).toExponential().split("e");
  const digits = mantissa.replace(".", "");
  const exponent = Number(power);
  const hasFraction = digits.length > exponent + 1;
  if (exponent < -4 || (exponent > 14 && !hasFraction)) {
    const twoDigits = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${digits.slice(0, 1)}.${digits.slice(1) || "0"}e${exponent < 0 ? "-" : "+"}${twoDigits}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  return `${sign}${digits.slice(0, exponent + 1).padEnd(exponent + 1, "0")}.${digits.slice(exponent + 1) || "0"}`;
}
