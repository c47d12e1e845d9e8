/** What people type who know tar, Docker or osctl, and what ctar calls it. */

/** Words behind `ctar`, those of a group joined by blanks. */
const SYNONYMS: Readonly<Record<string, string>> = {
  ...meaning("export", "backup", "create", "dump", "pack", "send"),
  ...meaning("import", "receive", "recv", "restore"),
  ...meaning("extract", "cp", "unpack", "untar", "unzip"),
  ...meaning("export --to", "clone", "copy", "migrate", "move", "push"),
  ...meaning("inspect", "describe", "info", "show"),
  ...meaning("verify", "check", "fsck", "test"),
  ...meaning("list", "containers", "ps", "ct list", "ct ls"),
  ...meaning("image ls", "images", "image list"),
  ...meaning("image load", "load"),
  ...meaning("image save", "save"),
  ...meaning("image rm", "rmi", "image delete", "image remove"),
  ...meaning("image check", "image verify"),
  ...meaning("image prune", "image clean", "image gc", "prune"),
  ...meaning("doctor --clean", "clean", "cleanup"),
  ...meaning("help", "?", "man"),
  ...meaning("--version", "-V", "-v", "version"),
};

/** tar's letters for what is to be done, also in a bundle: `-xzf`. */
const TAR_WORD = /^-?[jpvz]*([ctx])[fjpvz]*$/;
const TAR_LETTERS: Readonly<Record<string, string>> = { c: "export", t: "ls", x: "extract" };

/** What is called so here, as it is typed after the program's name; undefined if nothing is. @param words what was typed there */
export function findSynonym(words: string): string | undefined {
  if (Object.hasOwn(SYNONYMS, words)) return SYNONYMS[words];
  return TAR_LETTERS[TAR_WORD.exec(words)?.[1] ?? ""];
}

function meaning(command: string, ...synonyms: readonly string[]): Record<string, string> {
  return Object.fromEntries(synonyms.map((synonym) => [synonym, command]));
}
