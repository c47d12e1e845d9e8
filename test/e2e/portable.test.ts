/**
 * The portable file in places where nothing is installed, and where something else is than it was made with. CTAR_PORTABLE names the directory of
 * the files, one for each architecture.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { checksOf, prepare, runCheck } from "../support/place-checks.ts";
import { NOBODY, PLACES, ROOT } from "../support/places.ts";
import { Place, portableFile, type Architecture } from "../support/place.ts";
import { TARGET } from "../support/program.ts";

const files = process.env["CTAR_PORTABLE"];
const reason = whyNot();
/** An emulated processor is slow. */
const TIMEOUT_MS = 180_000;

test.skipIf(reason !== "")(`portable files are there${reason}`, () => {
  for (const { architecture } of PLACES) expect(fs.existsSync(portableFile(files ?? "", architecture))).toBe(true);
});

test.skipIf(reason !== "")(`the portable file ignores SIGUSR1 before all else, and handles it later${reason}`, () => {
  const strace = [
    "-qq",
    "-e",
    "trace=rt_sigaction",
    "-e",
    "signal=none",
    portableFile(files ?? "", process.arch as Architecture),
    "--version",
  ];
  const { status, stderr } = spawnSync("strace", strace, { encoding: "utf8" });
  expect([status, stderr]).toEqual([
    0,
    expect.stringMatching(/^rt_sigaction\(SIGUSR1, \{sa_handler=SIG_IGN,[^]*rt_sigaction\(SIGUSR1, \{sa_handler=0x/),
  ]);
});

for (const kind of reason === "" ? PLACES : []) {
  const users = kind.architecture === process.arch ? [ROOT, NOBODY] : [NOBODY];
  for (const uid of users) {
    describe(`the portable file in ${kind.name}, as user ${uid}`, () => {
      let place: Place;
      beforeAll(async () => {
        place = await Place.create(kind, files ?? "", uid);
        await prepare(place);
      }, TIMEOUT_MS);
      afterAll(async () => await place?.[Symbol.asyncDispose]());

      test.each(checksOf(kind).map((check) => [check.name, check] as const))(
        "%s",
        async (_, check) => await runCheck(check, place),
        TIMEOUT_MS,
      );
    });
  }
}

function whyNot(): string {
  if (TARGET !== "compiled") return " (skipped: tested beside the compiled program)";
  if (files === undefined) return " (skipped: CTAR_PORTABLE is not set)";
  return process.getuid?.() === 0 ? "" : " (skipped: only root can make places)";
}
