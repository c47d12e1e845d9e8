/**
 * Names of images: `registry.example:5000/team/app:1.2@sha256:…`, and how short ones are written out.
 *
 *     name      [domain "/"] path          path: components of a-z 0-9, joined by ".", "_", "__" or any number of "-"
 *     tag       letters, digits, "_", ".", "-"; not beginning with "." or "-"; at most 128
 *
 * A first component is a domain if it has a "." or a ":" or a capital, or is `localhost`; without one the image is Docker's,
 * `docker.io/library/` before a single component. Without tag and digest it is `latest`.
 *
 * @see distribution/reference v0.6 `reference.go`, `regexp.go`, `normalize.go` (`ParseDockerRef`)
 */
import { ToolError } from "../errors.ts";
import { isDigest, type Digest } from "./digest.ts";
import { quoted } from "./quoted.ts";

/** A name, taken apart. */
export interface Reference {
  /** Domain and path, in full. */
  readonly name: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const DOMAIN_PART = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = new RegExp(`^(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const PATH_LIMIT = 255;
const DEFAULT_DOMAIN = "docker.io";
const DEFAULT_TAG = "latest";
const IMAGE_ID = /^[a-f0-9]{64}$/;

/** Takes a name apart and writes it out, with the tag `latest` if it has neither tag nor digest. @throws ToolError usage */
export function parseReference(text: string): Reference {
  const parsed = tryParseReference(text);
  if (typeof parsed !== "string") return parsed;
  throw new ToolError("usage", `Cannot use image name ${quoted(text)}: ${parsed}`, { hints: ["registry.example/team/app:1.2"] });
}

/** The name in full, or undefined if it is none. */
export function normalizeReference(text: string): string | undefined {
  const parsed = tryParseReference(text);
  return typeof parsed === "string" ? undefined : formatReference(parsed);
}

/** The name in full; of tag and digest, the digest if there is one, since that is what counts. */
export function formatReference({ name, tag, digest }: Reference): string {
  return digest === undefined ? `${name}:${tag}` : `${name}@${digest}`;
}

/** Whether a text can be a tag. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** The reference, or what is wrong with it. */
function tryParseReference(text: string): Reference | string {
  if (IMAGE_ID.test(text)) return "64 hex digits are an image's id, no name";
  const at = text.indexOf("@");
  const digest = at === -1 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) return `${quoted(digest)} is no digest`;
  const named = at === -1 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(":");
  const hasTag = colon > named.lastIndexOf("/");
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !TAG.test(tag)) return `${quoted(tag)} is no tag`;
  const name = fullName(hasTag ? named.slice(0, colon) : named);
  const problem = isAlgorithm(name) ? "its name is that of an algorithm, so it looks like a digest" : nameProblem(name);
  if (problem !== undefined) return problem;
  if (digest !== undefined) return { name, digest, ...(tag === undefined ? {} : { tag }) };
  return { name, tag: tag ?? DEFAULT_TAG };
}

/** Whether a name without a domain is `sha256`: with a tag of hex digits it would be taken for a digest. Docker refuses these, too. */
function isAlgorithm(name: string): boolean {
  return /^docker\.io\/library\/sha(?:256|512)$/.test(name);
}

function fullName(short: string): string {
  const slash = short.indexOf("/");
  const first = short.slice(0, Math.max(0, slash));
  const isDomain = slash !== -1 && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase());
  const domain = isDomain && first !== `index.${DEFAULT_DOMAIN}` ? first : DEFAULT_DOMAIN;
  const path = isDomain ? short.slice(slash + 1) : short;
  return domain === DEFAULT_DOMAIN && !path.includes("/") ? `${domain}/library/${path}` : `${domain}/${path}`;
}

function nameProblem(name: string): string | undefined {
  const slash = name.indexOf("/");
  const [domain, path] = [name.slice(0, slash), name.slice(slash + 1)];
  if (!DOMAIN.test(domain)) return `${quoted(domain)} is no domain`;
  if (path !== path.toLowerCase()) return "the name of a repository is in lower case";
  if (!path.split("/").every((component) => COMPONENT.test(component))) return `${quoted(path)} is no name of a repository`;
  return path.length > PATH_LIMIT ? `${quoted(path)} has more than ${PATH_LIMIT} characters` : undefined;
}
