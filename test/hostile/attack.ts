/** One hostile archive, and what has to become of it. */

/** Where an attack aims: a directory beside the pool, which holds `secret`, `dir/inside` and `link -> secret`. */
export interface Aim {
  /** Its absolute path. */
  path: string;
}

/** A hostile archive. */
export interface Attack {
  /** What it tries. */
  name: string;
  /** Exit codes it may end in: 12 and 2 refuse it, 0 and 3 take it without harm. */
  exit: readonly (0 | 2 | 3 | 12)[];
  make: (aim: Aim) => Uint8Array;
  /** Options of the import besides the pool and the archive. */
  options?: readonly string[];
  /** Goes to the program through a pipe. */
  pipe?: boolean;
  /** What the message says, where the archive could as well be refused for another reason. */
  says?: string;
  /** Why it is not survived yet; its test is skipped and shows this. */
  pending?: string;
}

/** Refused: the archive is damaged, or does not fit. */
export const REFUSED: readonly (0 | 2 | 3 | 12)[] = [12, 2];
/** Taken, with nothing outside the container touched. */
export const CONTAINED: readonly (0 | 2 | 3 | 12)[] = [0, 3];
