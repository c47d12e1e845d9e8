/** What the help and the man page say of the program as a whole. */

/** What it does, after its name. */
export const PURPOSE = "moves whole containers: from a pool into one archive, and back";

/** The variables that it reads, and what each does. */
export const ENVIRONMENT: readonly (readonly [name: string, effect: string])[] = [
  ["CTAR_ZFS", "The zfs program; found in PATH, or where systems keep it, if unset"],
  ["CTAR_SSH", "The ssh program of export --to; ssh if unset"],
  ["TMPDIR", "Where is kept what cannot be read or written as it passes; /tmp if unset"],
  ["SOURCE_DATE_EPOCH", "Seconds since 1970 that stand for the present time in archives, which become reproducible"],
  ["NO_COLOR", "Turns colours off"],
];
