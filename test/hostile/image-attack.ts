/** One hostile archive of images, or a directory of them, and what has to become of it. */
import type { Aim } from "./attack.ts";

/** What a program does with it. */
export interface Outcome {
  exit: 0 | 2 | 10 | 12;
  /** What stderr says: the thing, and what is wrong with it. */
  says: string;
}

/** A hostile archive. */
export interface ImageAttack {
  /** What it tries. */
  name: string;
  /** What the message says; the exit code is 12. */
  says: string;
  /** Of a store, where it is not refused: it holds what no name and no digest of the store depends on. */
  stored?: Outcome;
  /** Of a container, where that is another. */
  container?: Outcome;
  /** The archive. It comes as a file and through a pipe. */
  make?: (aim: Aim) => Uint8Array;
  /** ... too large to be made at once: it comes through a pipe. */
  stream?: () => Iterable<Uint8Array>;
  /** ... made where the path says, a file or a directory. */
  place?: (path: string, aim: Aim) => void;
}
