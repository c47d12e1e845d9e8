/**
 * What images are called when they come into a store: what the archive calls them, what the caller says, or a name made of a base and a tag or
 * a digest, as `ctr image import` makes them.
 *
 * @see containerd v2.0 `cmd/ctr/commands/images/import.go`, `core/images/archive/reference.go`, `client/import.go` (`imageName`)
 */
import { ToolError } from "../../errors.ts";
import type { Target } from "../image.ts";
import { formatReference, parseReference } from "../reference.ts";

/** How names are made. */
export interface Naming {
  /** Names for the archive's only image, in place of its own. */
  readonly tags: readonly string[];
  /** What tags without a repository and digests are appended to; given, only images of this repository are taken. */
  readonly baseName: string | undefined;
  /** Whether images get a name made of the base and their digest. */
  readonly digests: boolean;
  /** Whether only those do that would have no other. */
  readonly skipDigestForNamed: boolean;
  /** `2026-01-31`, for a base where none is given. */
  readonly date: string;
}

/** An image that comes in; without names it is kept by its digest alone. */
export interface NamedTarget extends Pick<Target, "descriptor"> {
  readonly names: readonly string[];
}

/** Names the images of an archive; leaves out those that are not meant. @throws ToolError usage, not-found if none is left */
export function nameTargets(targets: readonly Target[], naming: Naming): NamedTarget[] {
  if (naming.tags.length > 0) return [nameOnly(targets, naming)];
  const named = targets.map((target) => ({ descriptor: target.descriptor, names: namesOf(target, naming) }));
  const taken = naming.baseName === undefined ? named : named.filter(({ names }) => names.length > 0);
  if (taken.length > 0) return taken;
  throw new ToolError("not-found", `Cannot find an image of "${naming.baseName}" in the archive`, { hints: listHint(targets) });
}

function nameOnly(targets: readonly Target[], { tags }: Naming): NamedTarget {
  const digests = new Set(targets.map(({ descriptor }) => descriptor.digest));
  const only = targets[0];
  if (only !== undefined && digests.size === 1) return { descriptor: only.descriptor, names: tags.map((tag) => fullName(tag)) };
  throw new ToolError("usage", `Cannot use --tag: the archive has ${digests.size} images`, { hints: listHint(targets) });
}

function namesOf({ descriptor, references, tags }: Target, { baseName, digests, skipDigestForNamed, date }: Naming): string[] {
  const base = parseReference(baseName ?? `import-${date}`).name;
  const own = baseName === undefined ? references : references.filter((reference) => isOf(base, reference));
  const names = [...own, ...tags.map((tag) => `${base}:${tag}`)];
  const byDigest = digests && !(skipDigestForNamed && names.length > 0);
  return [...new Set([...names, ...(byDigest ? [`${base}@${descriptor.digest}`] : [])])];
}

/** Whether a name is that of a repository, or of one below it. */
function isOf(base: string, reference: string): boolean {
  return reference.startsWith(base) && "/:@".includes(reference[base.length] ?? "/");
}

function fullName(text: string): string {
  return formatReference(parseReference(text));
}

function listHint(targets: readonly Target[]): string[] {
  const names = targets.flatMap(({ references, tags }) => [...references, ...tags]);
  return names.length === 0 ? [] : [`Its images: ${names.join(", ")}`];
}
