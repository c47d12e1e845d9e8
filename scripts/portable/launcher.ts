/** Compiles the launcher (launcher.c), for this processor or the other one. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { TRIPLES, type Architecture } from "./glibc.ts";

const SOURCES = ["start.S", "launcher.c", "loader.c"];
/** It stands alone: no library, no code that is run before it, and no call to memset(3) in place of a loop. */
const OPTIONS =
  "-std=c11 -Os -Wall -Wextra -Werror -ffreestanding -nostdlib -static -fPIE -fno-stack-protector -fno-tree-loop-distribute-patterns " +
  "-Wl,--build-id=none -Wl,-T,launcher.ld";

/** The launcher's code, flat, as it is to be in memory. */
export function compileLauncher(architecture: Architecture): Buffer {
  const directory = mkdtempSync(path.join(tmpdir(), "ctar-launcher-"));
  const linked = path.join(directory, "linked");
  const flat = path.join(directory, "flat");
  const cwd = import.meta.dirname;
  try {
    execFileSync(`${TRIPLES[architecture]}-gcc`, [...OPTIONS.split(" "), ...SOURCES, "-o", linked], { cwd });
    execFileSync(`${TRIPLES[architecture]}-objcopy`, ["-O", "binary", "-j", ".text", linked, flat]);
    return readFileSync(flat);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
