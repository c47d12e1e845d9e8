/**
 * `os-release`: what a root filesystem says that it is, in the words of container.yml.
 *
 *     ID=debian
 *     VERSION_ID="12"
 *
 * Assignments as a shell reads them, with `#` before comments; the last of a name counts. Distributions and versions are called as in the
 * repository of vpsAdminOS's images: what the versions of a distribution have in common there is as much of a number as is given.
 *
 * @see os-release(5); vpsAdminOS `osctld/lib/osctld/dist_config/distributions/`, `image-scripts/images/`, 24.05
 */

/** A distribution as container.yml names it. */
export interface Distribution {
  readonly distribution: string;
  readonly version: string;
}

/** What osctld has for distributions that it knows nothing of. */
export const OTHER_DISTRIBUTION: Distribution = { distribution: "other", version: "unknown" };

/** Where the file is, the one that counts first. */
export const OS_RELEASE_FILES: readonly string[] = ["etc/os-release", "usr/lib/os-release"];

const NAME_LIMIT = 100;
/** How many numbers of a version are said. */
const NUMBERS: Readonly<Record<string, number>> = { almalinux: 1, alpine: 2, centos: 1, rocky: 1 };

/** Reads the file. What it does not say is unknown. */
export function parseOsRelease(bytes: Uint8Array): Distribution {
  const values = assignments(Buffer.from(bytes).toString("utf8"));
  const distribution = asName(values.get("ID"));
  if (distribution === undefined) return OTHER_DISTRIBUTION;
  const version = asName(values.get("VERSION_ID") ?? values.get("BUILD_ID") ?? values.get("VERSION_CODENAME"));
  return upstreamName(distribution, version ?? OTHER_DISTRIBUTION.version, values.get("NAME") ?? "");
}

function upstreamName(id: string, version: string, name: string): Distribution {
  const product = /^opensuse-(leap|tumbleweed)$/.exec(id)?.[1];
  if (product !== undefined) return { distribution: "opensuse", version: product === "leap" ? `leap-${version}` : product };
  const numbers = NUMBERS[id];
  const short = numbers === undefined ? version : version.split(".", numbers).join(".");
  return { distribution: id, version: id === "centos" && /\bStream\b/.test(name) ? `${short}-stream` : short };
}

function assignments(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, name = "", value = ""] = /^\s*([A-Z][A-Z0-9_]*)=(.*?)\s*$/.exec(line) ?? [];
    if (name !== "") values.set(name, unquoted(value));
  }
  return values;
}

function unquoted(value: string): string {
  const [, quote, inner = value] = /^(["'])(.*)\1$/.exec(value) ?? [];
  return quote === "'" ? inner : inner.replaceAll(/\\(.)/g, "$1");
}

/** A value that can be part of a path; what cannot stand in one becomes a hyphen. */
function asName(value: string | undefined): string | undefined {
  const name = value?.slice(0, NAME_LIMIT).replaceAll(/[^\w.+~-]+/g, "-");
  return name === undefined || /^[.-]*$/.test(name) ? undefined : name;
}
