/**
 * What a root filesystem was made for: an operating system and a processor, of some processors also which variant.
 *
 * One processor has several names (`aarch64`, `arm64`); what is called the same here is what containerd calls the same. A variant runs what was
 * made for the lower ones, and a processor of 64 bits what was made for its predecessor of 32.
 *
 * @see OCI image-spec v1.1 image-index.md, "platform"; containerd/platforms v1.0 `database.go` (`normalizeArch`), `compare.go` (`platformVector`)
 */
import { arch } from "node:os";
import { ToolError } from "../errors.ts";
import { displayName } from "../stream/tar/display-name.ts";
import type { Fields } from "./fields.ts";
import { quoted } from "./quoted.ts";

/** An operating system and a processor, called as {@link normalizePlatform} calls them. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly osVersion?: string;
  readonly osFeatures?: readonly string[];
}

const PART = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
/** Other names of processors: what is installed in the field, and (`x64`, `ia32`) what the runtime says. */
const ALIASES = new Map<string, { architecture: string; variant?: string }>([
  ["i386", { architecture: "386", variant: "" }],
  ["ia32", { architecture: "386", variant: "" }],
  ["x86_64", { architecture: "amd64" }],
  ["x86-64", { architecture: "amd64" }],
  ["x64", { architecture: "amd64" }],
  ["aarch64", { architecture: "arm64" }],
  ["armhf", { architecture: "arm", variant: "v7" }],
  ["armel", { architecture: "arm", variant: "v6" }],
]);
/** The variant that is meant where none is said. */
const USUAL_VARIANTS = new Map([
  ["amd64", "v1"],
  ["arm", "v7"],
  ["arm64", "v8"],
]);
/** What processors run besides their own: what was made for these, of at most that variant. */
const PREDECESSORS = new Map([
  ["amd64", { architecture: "386", variant: 0 }],
  ["arm64", { architecture: "arm", variant: 8 }],
]);
/** Farther than any variant. */
const PREDECESSOR_DISTANCE = 100;

/** The platform of this machine. */
export function hostPlatform(): Platform {
  return normalizePlatform({ os: "linux", architecture: arch() });
}

/** Reads `os/architecture[/variant]`; `arm64` alone is of linux. @throws ToolError usage */
export function parsePlatform(text: string): Platform {
  const parts = text.split("/");
  if (parts.length > 3 || !parts.every((part) => PART.test(part))) {
    throw new ToolError("usage", `Cannot use platform ${quoted(text)}: it is not OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT`, {
      hints: ["--platform linux/arm64"],
    });
  }
  const [os = "", architecture = "", variant = ""] = parts.length === 1 ? ["linux", ...parts] : parts;
  return normalizePlatform({ os, architecture, variant });
}

/** Reads the fields that describe a platform, in an index or in a configuration. @throws ToolError damaged */
export function readPlatform(fields: Fields): Platform {
  const [osVersion, osFeatures] = [fields.string("os.version"), fields.strings("os.features")];
  return normalizePlatform({
    os: fields.string("os") ?? "",
    architecture: fields.string("architecture") ?? "",
    variant: fields.string("variant") ?? "",
    ...(osVersion === undefined ? {} : { osVersion }),
    ...(osFeatures === undefined ? {} : { osFeatures }),
  });
}

/** Calls a platform by its one name: in lower case, without the variant that is meant anyway (but for arm, which always has one). */
export function normalizePlatform(platform: Platform): Platform {
  const { os, architecture: called, variant: said = "", ...rest } = platform;
  const alias = ALIASES.get(called.toLowerCase());
  const architecture = alias?.architecture ?? called.toLowerCase();
  const usual = USUAL_VARIANTS.get(architecture);
  let variant = (alias?.variant ?? said).toLowerCase();
  if (architecture.startsWith("arm") && /^\d/.test(variant)) variant = `v${variant}`;
  if (architecture === "arm") variant ||= "v7";
  else if (variant === usual) variant = "";
  return {
    os: os.toLowerCase() === "macos" ? "darwin" : os.toLowerCase(),
    architecture,
    ...(variant === "" ? {} : { variant }),
    ...rest,
  };
}

/** `linux/arm64`, `linux/arm/v7`; safe to show, whatever an image says it is for. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  const parts = [os || "unknown", architecture || "unknown", ...(variant === undefined ? [] : [variant])];
  return displayName(Buffer.from(parts.join("/")));
}

/**
 * How far what was made for one platform is from another where it is to run: 0 if they are the same, undefined if it does not run there. The
 * version of the operating system does not count.
 */
export function platformDistance(made: Platform, wanted: Platform): number | undefined {
  if (made.os !== wanted.os) return undefined;
  if (made.architecture === wanted.architecture) return variantDistance(made, wanted);
  const predecessor = PREDECESSORS.get(wanted.architecture);
  if (predecessor?.architecture !== made.architecture) return undefined;
  return PREDECESSOR_DISTANCE + Math.max(0, predecessor.variant - (variantNumber(made) ?? 0));
}

function variantDistance(made: Platform, wanted: Platform): number | undefined {
  if (made.variant === wanted.variant) return 0;
  const [from, to] = [variantNumber(made), variantNumber(wanted)];
  return from !== undefined && to !== undefined && from < to ? to - from : undefined;
}

/** The number of a variant; undefined for one that has no number, which is like no other. */
function variantNumber({ architecture, variant = USUAL_VARIANTS.get(architecture) }: Platform): number | undefined {
  const number = /^v(\d+(?:\.\d+)?)$/.exec(variant ?? "")?.[1];
  return number === undefined ? undefined : Number(number);
}
