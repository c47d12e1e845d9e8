/** Where zfs is looked for: PATH, then where systems keep it. */
import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { finish, programArgv, start, type Finished } from "../support/program.ts";
import { refusalOf } from "../support/refusal.ts";

/** Mounts that nobody else sees. */
const PRIVATE = ["unshare", "--mount", "sh", "-c"] as const;
const alone = refusalOf(...PRIVATE, "mount -t tmpfs none /run");
/** Takes a directory and a command; the host's own zfs is out of sight. */
const SCRIPT = `
  for place in /run /usr/local/sbin "$(realpath /sbin)" "$(realpath /usr/sbin)"; do mount -t tmpfs none "$place" || exit 99; done
  mkdir -p "$1" && printf '#!/bin/sh\\necho "this is $0" >&2\\nexit 1\\n' >"$1/zfs" && chmod 755 "$1/zfs" || exit 99
  shift
  exec "$@"`;

/** /sbin may be a link to /usr/sbin. */
function realpath(directory: string): string {
  return fs.existsSync(directory) ? fs.realpathSync(directory) : directory;
}

async function list(variables: readonly string[], around: readonly string[] = []): Promise<Finished> {
  return await finish(start([...around, "env", "-u", "CTAR_ZFS", ...variables, ...programArgv(), "list", "--pool", "tank"]));
}

describe("ctar finds zfs", () => {
  test
    .skipIf(alone !== "")
    .each([["/run/booted-system/sw/bin"], ["/run/current-system/sw/bin"], ["/sbin"], ["/usr/sbin"], ["/usr/local/sbin"]])(
    `in %s, whatever PATH is${alone}`,
    async (directory) => {
      const around = [...PRIVATE, SCRIPT, "sh", directory];
      for (const variables of [["PATH=/nonexistent"], ["-u", "PATH"], ["PATH="]]) {
        const found = /this is (.*)\/zfs\n/.exec((await list(variables, around)).stderr)?.[1];
        expect(found === undefined ? found : realpath(found)).toBe(realpath(directory));
      }
    },
  );

  test.skipIf(alone !== "")(`in PATH first${alone}`, async () => {
    const around = [
      ...PRIVATE,
      SCRIPT.replace("shift", 'mkdir /run/a && sed "s/this/that/" "$1/zfs" >/run/a/zfs && chmod 755 /run/a/zfs; shift'),
      "sh",
    ];
    expect((await list(["PATH=/nonexistent:/run/a"], [...around, "/sbin"])).stderr).toContain("that is /run/a/zfs\n");
  });

  test.skipIf(alone !== "")(`nowhere, and says where it looked and what names it${alone}`, async () => {
    const { exitCode, stderr } = await list(["PATH=/nonexistent/bin"], [...PRIVATE, SCRIPT, "sh", "/run/elsewhere"]);
    expect(exitCode).toBe(10);
    expect(stderr).toContain('error: Cannot run "zfs": no such program\n');
    expect(stderr).toContain("/nonexistent/bin, /run/booted-system/sw/bin, /run/current-system/sw/bin, /sbin, /usr/sbin, /usr/local/sbin");
    expect(stderr).toContain("CTAR_ZFS=/path/to/zfs");
  });

  test("where CTAR_ZFS says, and nowhere else", async () => {
    const { exitCode, stderr } = await list(["CTAR_ZFS=/nonexistent/zfs"]);
    expect([exitCode, stderr]).toEqual([10, expect.stringContaining('Cannot run "/nonexistent/zfs": no such program')]);
  });
});
