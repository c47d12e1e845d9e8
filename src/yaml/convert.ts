/**
 * Turns parsed nodes into values, with Psych's reading of tags, aliases and merge keys where it is harmless.
 *
 * - Tags: `!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!map`, `!!seq`, the bare `!`, and `!binary` holding UTF-8. Any other, a Ruby
 *   class above all, is refused.
 * - Aliases become copies, so that changing one place never changes another. Everything made, copies included, counts against a limit.
 * - A key given twice is refused: Psych takes the last one and others the first, so the file means different things to different readers.
 * - `<<` merges maps where it stands, as Psych does: over what came before it, under what comes after.
 */
import { type Alias, isAlias, isMap, isScalar, isSeq, type Pair, type ParsedNode, type Scalar, type YAMLMap } from "yaml";
import type { ToolError } from "../errors.ts";
import { parsePlain } from "./plain-scalar.ts";
import { YamlFloat, type YamlKey, YamlMap, type YamlValue } from "./value.ts";

/** Most values of one document, aliases counted as what they stand for. */
const MAX_VALUES = 200_000;

/** Deepest nesting. */
const MAX_DEPTH = 100;

/** Longest unquoted number; arithmetic on longer ones takes time that grows with the square. */
const MAX_NUMBER_LENGTH = 1000;

const CORE = "tag:yaml.org,2002:";
const SCALAR_TAGS = new Set(["str", "int", "float", "bool", "null", "binary"]);

/** Makes the error for a problem at an offset of the text. */
export type Refuse = (offset: number, problem: string) => ToolError;

/** Converts the root of a document parsed from `text`. */
export function convert(root: ParsedNode | null, text: string, refuse: Refuse): YamlValue {
  return new Converter(text, refuse).node(root, 0, 0);
}

/** One document's anchors and budget. */
class Converter {
  readonly #refuse: Refuse;
  readonly #anchors = new Map<string, YamlValue>();
  /** Where a last line without a line break ends. */
  readonly #unfinishedLine: number | undefined;
  #values = 0;

  constructor(text: string, refuse: Refuse) {
    this.#refuse = refuse;
    this.#unfinishedLine = text.slice(text.lastIndexOf("\n") + 1).trim() === "" ? undefined : text.length;
  }

  /** @param near offset to name where the node is missing */
  node(node: ParsedNode | null, depth: number, near: number): YamlValue {
    const offset = node?.range[0] ?? near;
    this.#count(depth, offset);
    if (node === null) return null;
    if (isAlias(node)) return this.#alias(node.source, depth, offset);
    const value = this.#content(node, depth, offset);
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, value);
    return value;
  }

  #content(node: Exclude<ParsedNode, Alias.Parsed>, depth: number, offset: number): YamlValue {
    if (isScalar(node)) return this.#scalar(node, offset);
    if (isSeq(node)) {
      this.#checkTag(node.tag, "seq", offset);
      return node.items.map((item) => this.node(item, depth + 1, offset));
    }
    if (isMap(node)) return this.#map(node, depth, offset);
    throw this.#refuse(offset, "neither a value, a list nor a mapping");
  }

  #count(depth: number, offset: number): void {
    this.#values += 1;
    if (this.#values > MAX_VALUES) throw this.#refuse(offset, `more than ${MAX_VALUES} values`);
    if (depth > MAX_DEPTH) throw this.#refuse(offset, `nested deeper than ${MAX_DEPTH} levels`);
  }

  #alias(name: string, depth: number, offset: number): YamlValue {
    const value = this.#anchors.get(name);
    if (value === undefined) throw this.#refuse(offset, `alias "${name}" stands for nothing before it`);
    return this.#copy(value, depth, offset);
  }

  #copy(value: YamlValue, depth: number, offset: number): YamlValue {
    if (depth > 0) this.#count(depth, offset);
    if (Array.isArray(value)) return value.map((item) => this.#copy(item, depth + 1, offset));
    if (!(value instanceof YamlMap)) return value;
    return new YamlMap([...value].map(([key, item]) => [key, this.#copy(item, depth + 1, offset)]));
  }

  #map(node: YAMLMap, depth: number, offset: number): YamlMap {
    this.#checkTag(node.tag, "map", offset);
    const map = new YamlMap();
    const seen = new Set<YamlKey>();
    for (const pair of node.items as Pair<ParsedNode, ParsedNode | null>[]) {
      const keyOffset = pair.key?.range[0] ?? offset;
      const key = this.#key(pair.key, depth, keyOffset);
      const value = this.node(pair.value, depth + 1, keyOffset);
      if (key === "<<" && pair.key.tag !== `${CORE}str` && mergeInto(map, value)) continue;
      if (seen.has(key)) throw this.#refuse(keyOffset, `key "${key}" appears twice`);
      seen.add(key);
      map.set(key, value);
    }
    return map;
  }

  #key(node: ParsedNode, depth: number, offset: number): YamlKey {
    const key = this.node(node, depth + 1, offset);
    if (typeof key !== "object" || key === null) return key;
    throw this.#refuse(offset, `a ${key instanceof YamlFloat ? "floating point number" : "list or mapping"} as key`);
  }

  #scalar(node: Scalar.Parsed, offset: number): YamlValue {
    const text = this.#text(node);
    if (!text.isWellFormed()) throw this.#refuse(offset, "escaped half of a surrogate pair");
    const tag = node.tag;
    if (tag === undefined) return node.type === "PLAIN" ? this.#plain(text, offset) : text;
    switch (this.#scalarTag(tag, offset)) {
      case "str":
        return text;
      case "binary":
        return this.#binary(text, offset);
      case "float":
        return this.#float(text, offset);
      default:
        return this.#plain(text, offset);
    }
  }

  /** The text of a scalar; a block that the end of the document cuts off has no final line break, which the parser adds. */
  #text(node: Scalar.Parsed): string {
    const text = String(node.value);
    const isBlock = node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED";
    return isBlock && node.range[1] === this.#unfinishedLine ? text.replace(/\n$/, "") : text;
  }

  #plain(text: string, offset: number): YamlValue {
    if (text.length > MAX_NUMBER_LENGTH && /^[-+]?[.0-9][0-9a-fA-Fxb_,.:]*$/.test(text)) {
      throw this.#refuse(offset, `a number of ${text.length} characters`);
    }
    return parsePlain(text);
  }

  #float(text: string, offset: number): YamlFloat {
    const value = this.#plain(text, offset);
    if (value instanceof YamlFloat) return value;
    if (typeof value === "number" || typeof value === "bigint") return new YamlFloat(Number(value));
    throw this.#refuse(offset, `"${text}" is not a number`);
  }

  #binary(text: string, offset: number): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, "base64"));
    } catch {
      throw this.#refuse(offset, "binary data that is not UTF-8");
    }
  }

  /** @returns the name of a scalar tag that is allowed, empty for the bare `!` */
  #scalarTag(tag: string, offset: number): string {
    const name = tag.startsWith(CORE) ? tag.slice(CORE.length) : tag.slice(1);
    if (name !== "" && !SCALAR_TAGS.has(name)) throw this.#unknownTag(tag, offset);
    return name;
  }

  #checkTag(tag: string | undefined, allowed: string, offset: number): void {
    if (tag !== undefined && tag !== "!" && tag !== `${CORE}${allowed}`) throw this.#unknownTag(tag, offset);
  }

  #unknownTag(tag: string, offset: number): ToolError {
    return this.#refuse(offset, `tag "${tag}" is not allowed`);
  }
}

/** Merges the value of a `<<` key; of several maps the first has the last word. @returns false when it is no map and no list of maps */
function mergeInto(map: YamlMap, value: YamlValue): boolean {
  const sources = Array.isArray(value) ? value.toReversed() : [value];
  if (!sources.every((source) => source instanceof YamlMap)) return false;
  const merged = new YamlMap(sources.flatMap((source) => [...source]));
  for (const [key, item] of merged) map.set(key, item);
  return true;
}
