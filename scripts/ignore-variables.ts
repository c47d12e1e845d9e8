/**
 * Makes a compiled program deaf to the variables by which Bun itself is steered. A developer's `BUN_OPTIONS=--preload ...` would run before ctar,
 * and by root; `BUN_BE_BUN` makes it another program; `BUN_INSPECT` has it listen on a port or wait for a debugger. Bun has no option for that in
 * what it compiles (`autoload...` is about files), so the names are spoilt in the finished executable: the first byte becomes one that is in no
 * variable's name. Lengths stay, and nothing but the lookup of the variable sees the names.
 *
 * `BUN_JSC_...`, `MIMALLOC_...` and what the C library and its loader obey (`LD_...`) stay: they steer the engine, not what the program does.
 */
const PREFIXES: readonly string[] = ["BUN_OPTIONS", "BUN_BE_BUN", "BUN_INSPECT", "BUN_BYTECODE_"];
/** Start of heading, a control character. */
const SPOILT = 1;

/** Changes an executable in memory. @throws Error if a name is not in it, as with another Bun, where this has to be looked at again */
export function ignoreVariables(executable: Buffer): void {
  for (const prefix of PREFIXES) {
    let at = executable.indexOf(prefix);
    if (at === -1) throw new Error(`cannot make the executable ignore ${prefix}: the name is not in it`);
    for (; at !== -1; at = executable.indexOf(prefix, at + 1)) executable[at] = SPOILT;
  }
}
