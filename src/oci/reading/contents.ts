/** What reading finds, before it is made an `ImageArchive`. */
import type { Image, Target } from "../image.ts";

/** Images, and what names them. */
export interface Contents {
  readonly images: readonly Image[];
  readonly targets: readonly Target[];
  readonly notes: readonly string[];
}

/** Names of a target. */
export type Names = Pick<Target, "references" | "tags">;

/** Names that were known, and others. */
export function joinNames(known: Names | undefined, { references, tags }: Names): Names {
  return {
    references: [...new Set([...(known?.references ?? []), ...references])],
    tags: [...new Set([...(known?.tags ?? []), ...tags])],
  };
}
