/**
 * `ctar/manifest.json`, the last member: what the archive must contain, so that an import and a check can prove that it does. Upstream
 * ignores the member. All sizes are in bytes, guids are decimal strings (they exceed 2^53).
 */
import { damaged } from "../errors.ts";
import type { Digest, Measure } from "../stream/digest.ts";
import type { StreamPlace } from "./layout.ts";

/** What is known of a ZFS stream from its own records. */
export interface StreamFacts {
  /** DMU replay records, BEGIN and END included. */
  records: number;
  /** Name of the snapshot that the stream ends at. */
  snapshot: string;
  toGuid: string;
  /** Guid of the snapshot it starts from; absent for a full stream. */
  fromGuid?: string;
}

/** One stream: where it stands, and the digests of what is stored and of what it is once decompressed. */
export interface StreamRecord extends StreamPlace {
  member: string;
  /** Members of that name. */
  pieces: number;
  stored: Measure;
  raw: Measure;
  facts?: StreamFacts;
}

/** The manifest's content. */
export interface Manifest {
  /** Version of this schema. */
  manifest: 1;
  tool: string;
  container: string;
  texts: (Digest & { member: string })[];
  streams: StreamRecord[];
  datasets: { dataset: string; properties: Record<string, string> }[];
}

/** The manifest as it is stored: JSON, indented so that a person can read it. */
export function encodeManifest(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

/** Reads a manifest; one of a later schema is undefined, since nothing here can check it. @throws ToolError damaged */
export function decodeManifest(bytes: Uint8Array): Manifest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw damaged(`Cannot read "ctar/manifest.json": it is not JSON`);
  }
  const version = isRecord(value) ? value["manifest"] : undefined;
  if (!isRecord(value) || typeof version !== "number" || !(version >= 1)) {
    throw damaged(`Cannot read "ctar/manifest.json": it is no manifest`);
  }
  if (version !== 1) return undefined;
  const valid = isListOf(value["texts"], isText) && isListOf(value["streams"], isStream) && isListOf(value["datasets"], isDataset);
  if (!valid) throw damaged(`Cannot read "ctar/manifest.json": fields are missing or of the wrong type`);
  return value as unknown as Manifest;
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem);
}

function isText(value: unknown): boolean {
  return isDigest(value) && typeof (value as Record<string, unknown>)["member"] === "string";
}

function isStream(value: unknown): boolean {
  if (!isRecord(value) || typeof value["member"] !== "string") return false;
  return isMeasure(value["stored"]) && isMeasure(value["raw"]) && (value["facts"] === undefined || isRecord(value["facts"]));
}

/** A misspelt key must not make a checksum optional. */
function isMeasure(value: unknown): boolean {
  if (isDigest(value)) return true;
  return isRecord(value) && typeof value["bytes"] === "number" && Object.keys(value).length === 1;
}

function isDataset(value: unknown): boolean {
  return isRecord(value) && typeof value["dataset"] === "string" && isRecord(value["properties"]);
}

function isDigest(value: unknown): boolean {
  return isRecord(value) && typeof value["bytes"] === "number" && typeof value["sha256"] === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
