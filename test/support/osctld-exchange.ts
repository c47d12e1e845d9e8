/** One command and its answer, as the osctld of the tests and its commands see it. */

/** What a handler may do besides returning the response or throwing a {@link Refusal}. */
export interface Exchange {
  opts: Record<string, unknown>;
  progress: (update: unknown) => void;
  /** Sends bytes as they are. */
  raw: (text: string) => void;
  /** Closes the connection without an answer. */
  hangUp: () => void;
}

/** Answers one command. */
export type Handler = (exchange: Exchange) => unknown;

/** An answer with `"status":false`. */
export class Refusal extends Error {}
