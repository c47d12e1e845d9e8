/**
 * What is worth knowing of a run besides its result, as its kind and the text: a line for people (`warning: ...`), a list of each kind for scripts.
 * What is left out was in the archive, and somebody chose not to have it.
 */
export type Tell = (kind: "warning" | "note" | "left out", text: string) => void;
