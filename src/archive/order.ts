/**
 * The order in which an import needs the members of an archive: what describes the container, then the data - first the full streams, a
 * dataset's parent before it, then what is incremental. Upstream's importer looks up each member from the beginning of the file and so reads
 * archives in any order; an archive file is therefore put in order (`sortForImport`), while a pipe has to bring it (`OnePassOrder`).
 */
import { damaged } from "../errors.ts";
import { CONTAINER_CONFIG, METADATA, ROOTFS_TAR, streamMember, type MemberKind } from "./layout.ts";
import { isJoined, type ArchiveMember } from "./member.ts";
import type { Metadata } from "./metadata.ts";

/** Where a member without a place comes: before all data, so that its refusal costs nothing. */
const REFUSED = 4;

/**
 * Sorts members; those of one rank stay as they were.
 *
 * @param metadata what the archive says of itself; undefined if it does not
 * @throws ToolError damaged if the data of a dataset is missing
 */
export function sortForImport<M extends Pick<ArchiveMember, "kind">>(members: readonly M[], metadata: Metadata | undefined): M[] {
  const bases = new Set(members.flatMap(({ kind }) => (kind.is === "stream" && kind.kind === "base" ? [kind.dataset] : [])));
  const datasets = metadata?.format === "zfs" ? ["", ...metadata.datasets] : [];
  const ranks = new Map(datasets.filter((dataset) => bases.has(dataset)).map((dataset, index) => [dataset, index]));
  const rank = ({ kind }: M): number => rankOf(kind, ranks, metadata);
  if (metadata?.type === "full" && !members.some((member) => rank(member) === REFUSED)) {
    for (const dataset of datasets) if (!bases.has(dataset)) throw missing(streamMember({ dataset, kind: "base" }, false));
    if (metadata.format === "tar" && !members.some(({ kind }) => kind.is === "rootfs-tar")) throw missing(ROOTFS_TAR);
  }
  return members.toSorted((a, b) => rank(a) - rank(b));
}

function rankOf(kind: MemberKind, datasets: ReadonlyMap<string, number>, metadata: Metadata | undefined): number {
  switch (kind.is) {
    case "metadata":
      return 0;
    case "user":
    case "group":
    case "container":
      return 1;
    case "hook":
      return 2;
    case "snapshots":
    case "manifest":
      return 3;
    case "rootfs-tar":
      return metadata?.format === "tar" ? REFUSED + 1 : REFUSED;
    case "stream": {
      const index = datasets.get(kind.dataset);
      return index === undefined ? REFUSED : REFUSED + 1 + index + (kind.kind === "base" ? 0 : datasets.size);
    }
    case "other":
      return REFUSED;
  }
}

function missing(name: string): Error {
  const names = name === ROOTFS_TAR ? `"${name}"` : `"${name}" nor "${name}.gz"`;
  return damaged(`Cannot read archive: it has no ${names}`);
}

/** Watches members come in archive order. */
export class OnePassOrder {
  readonly #seen = new Set<string>();
  readonly #bases = new Set<string>();
  #dataBegun = false;

  /** Whether an import wants the member: of several texts of one name the first counts. @throws ToolError damaged if its place is another */
  wants({ kind, name, offset }: Pick<ArchiveMember, "kind" | "name" | "offset">): boolean {
    if (kind.is === "other") return false;
    const problem = isJoined(kind) ? this.#streamProblem(kind, name) : this.#textProblem(kind, name);
    if (problem !== undefined) throw outOfOrder(problem, offset);
    const isFirst = !this.#seen.has(name);
    if (kind.is !== "hook") this.#seen.add(name);
    return isFirst;
  }

  #textProblem(kind: MemberKind, name: string): string | undefined {
    const mayComeLate = kind.is === "snapshots" || kind.is === "manifest" || this.#seen.has(name);
    return this.#dataBegun && !mayComeLate ? `"${name}" comes behind the data it belongs to` : undefined;
  }

  #streamProblem(kind: MemberKind, name: string): string | undefined {
    this.#dataBegun = true;
    for (const text of [METADATA, CONTAINER_CONFIG]) if (!this.#seen.has(text)) return `"${text}" does not come before the data`;
    if (this.#seen.has(name)) return `the pieces of "${name}" are not one behind the other`;
    if (kind.is !== "stream") return undefined;
    const { dataset } = kind;
    if (kind.kind === "incremental") return this.#bases.has(dataset) ? undefined : `"${name}" comes before its base stream`;
    this.#bases.add(dataset);
    const parent = dataset.split("/").slice(0, -1).join("/");
    return dataset === "" || this.#bases.has(parent) ? undefined : `"${name}" comes before the base stream of its parent`;
  }
}

function outOfOrder(problem: string, offset: number): Error {
  return damaged(`Cannot read archive in one pass: ${problem}`, {
    offset,
    hints: ["Save the archive to a file first: in a file, members may stand in any order"],
  });
}
