/** The executable is run by root, maybe in a directory of somebody else's: what lies there must not be run or believed. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finish, programArgv, start } from "../support/program.ts";

const compiled = process.env["CTAR_BIN"] !== undefined;
const reason = compiled ? "" : " (skipped: CTAR_BIN names no compiled program)";

let directory = "";
beforeAll(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "ctar-directory-"));
  fs.writeFileSync(join(directory, "bunfig.toml"), 'preload = ["./preload.js"]\n');
  fs.writeFileSync(join(directory, "preload.js"), 'require("node:fs").writeFileSync("preloaded", "");\n');
  fs.writeFileSync(join(directory, ".env"), `CTAR_ZFS=${join(directory, "zfs")}\n`);
  fs.writeFileSync(join(directory, "zfs"), `#!/bin/sh\n: > "${join(directory, "zfs-run")}"\nexit 1\n`, { mode: 0o755 });
});
afterAll(() => fs.rmSync(directory, { recursive: true }));

test.skipIf(!compiled)(`ctar runs nothing that lies in the working directory${reason}`, async () => {
  const before = fs.readdirSync(directory);
  const script = 'cd "$1" && shift && exec "$@"';
  const { exitCode } = await finish(start(["bash", "-c", script, "bash", directory, ...programArgv(), "list", "--pool", "tank"]));
  expect(exitCode).toBeGreaterThan(0);
  expect(exitCode).not.toBe(70);
  expect(fs.readdirSync(directory)).toEqual(before);
});
