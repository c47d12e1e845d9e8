/**
 * The drill of a rescue, from a system that is busybox, zfs and the portable file: a pool is imported below another root, containers are put on it
 * from a file and from a pipe, and at home they are as they were. CTAR_PORTABLE names the directory of the portable files.
 *
 * zfs brings its libraries and its loader in a directory of its own, as it does on media made by copying; nothing else finds a C library there.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { copyProgram, Place } from "../support/place.ts";
import { createContainer, listTraces, POOL, ScratchPool, shell } from "../support/platform.ts";
import { finish, type Finished } from "../support/program.ts";
import { fillTree } from "../support/rich-tree.ts";
import { listTree } from "../support/tree-listing.ts";

const ID = "home01";
/** Where zfs-vm/run puts the ZFS programs and their libraries. */
const ZFS = "/opt/zfs";
const ZFS_LOADER = [`${ZFS}/lib/ld-linux-x86-64.so.2`, "/lib64/ld-linux-x86-64.so.2"];
/** `zfs send` ends a thread of its own, for which glibc loads this library; no program names it. */
const UNWINDER = "/lib/x86_64-linux-gnu/libgcc_s.so.1";

/** Of a virtual machine beside others. */
const TIMEOUT_MS = 180_000;

const files = process.env["CTAR_PORTABLE"];
const reason = whyNot();

describe.skipIf(reason !== "")(`a rescue system of busybox, zfs and the portable file${reason}`, () => {
  let pool: ScratchPool;
  let system: Place;
  let archive = "";
  let listing: string[] = [];

  beforeAll(async () => {
    pool = await ScratchPool.create();
    archive = path.join(pool.directory, "home01.tar");
    await createContainer(ID);
    await fillTree(`/${POOL}/ct/${ID}/private`);
    listing = await listTree(`/${POOL}/ct/${ID}/private`);
    await shell(`$CTAR export ${ID} ${archive}; zpool export $POOL`);
    // the kernel opens the pool's file by its path outside
    const mounts = `for at in /dev /sys '${pool.directory}'; do mkdir -p "$root$at"; mount --rbind "$at" "$root$at"; done`;
    system = await Place.create({ name: "rescue system", architecture: "x64", loader: "bundled", fill, mounts }, files ?? "", 0);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await system[Symbol.asyncDispose]();
    await pool[Symbol.asyncDispose]();
  }, TIMEOUT_MS);

  test(
    "takes containers from a file and from a pipe, in both formats",
    async () => {
      await expectShell(`zpool import -d ${pool.directory} -N -R /mnt ${POOL}`);
      await expectShell(`for part in ${POOL} ${POOL}/conf ${POOL}/hook ${POOL}/log; do zfs mount $part; done`);
      const { stderr } = await expectShell(`$CTAR import --as-id file01 ${archive}`);
      expect(stderr).toContain('imported container "file01"');
      await expectShell(`cat ${archive} | $CTAR import --as-id pipe01 -`);
      await expectShell(`$CTAR export ${ID} - | $CTAR import --as-id copy01 -`);
      await expectShell(`$CTAR export --format tar ${ID} - | $CTAR import --as-id tar01 -`);
      const { stdout } = await expectShell(`$CTAR list`);
      expect(stdout.match(/^\w+(?= )/gm)).toEqual(["ID", "copy01", "file01", ID, "pipe01", "tar01"]);
    },
    TIMEOUT_MS,
  );

  test(
    "checks archives, and gets files out of them",
    async () => {
      await expectShell(`$CTAR verify ${archive}`);
      const { stdout } = await expectShell(`$CTAR cat ${archive} plain/file`);
      expect(stdout).toBe("hello\n");
      await expectShell(`$CTAR extract ${archive} -C /mnt/${POOL}/out`);
      expect(await listTree(system.path(`/mnt/${POOL}/out`))).toEqual(listing);
      fs.rmSync(system.path(`/mnt/${POOL}/out`), { recursive: true });
    },
    TIMEOUT_MS,
  );

  test(
    "leaves nothing behind, and at home the containers are as they were",
    async () => {
      const { stdout } = await expectShell(`$CTAR doctor`);
      expect(stdout).not.toContain("left over");
      await expectShell(`zpool export ${POOL}`);
      expect(system.processes()).toEqual([]);
      await shell(`zpool import -d ${pool.directory} $POOL`);
      for (const id of ["file01", "pipe01", "copy01", "tar01"]) {
        await shell(`zfs mount $POOL/ct/${id}`);
        expect(await listTree(`/${POOL}/ct/${id}/private`)).toEqual(listing);
      }
      expect(await listTraces()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  async function expectShell(script: string): Promise<Finished> {
    const finished = await finish(system.startShell(script));
    expect([script, finished.exitCode, finished.stderr]).toEqual([script, 0, expect.any(String)]);
    return finished;
  }
});

function fill(root: string): void {
  copyProgram("busybox", root, "bin/busybox");
  execFileSync("chroot", [root, "/bin/busybox", "--install", "-s", "/bin"]);
  const loader = ZFS_LOADER.find((file) => fs.existsSync(file)) ?? "";
  fs.cpSync(ZFS, path.join(root, ZFS), { recursive: true });
  fs.copyFileSync(loader, path.join(root, ZFS, "loader"));
  fs.copyFileSync(UNWINDER, path.join(root, ZFS, "lib/libgcc_s.so.1"));
  fs.mkdirSync(path.join(root, "sbin"));
  for (const name of ["zfs", "zpool"]) {
    const wrapper = `#!/bin/sh\nexec ${ZFS}/loader --library-path ${ZFS}/lib --argv0 ${name} ${ZFS}/sbin/${name} "$@"\n`;
    fs.writeFileSync(path.join(root, "sbin", name), wrapper, { mode: 0o755 });
  }
  fs.mkdirSync(path.join(root, "mnt"));
}

function whyNot(): string {
  if (process.env["CTAR_TEST_ZPOOL"] !== undefined) return " (skipped: the pool is the host's)"; // which is not exported and imported
  return files === undefined ? " (skipped: CTAR_PORTABLE is not set)" : "";
}
