/** Images on a zpool: a dataset of their own, found again where it is mounted. */
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { dockerEntries, layer } from "../support/oci.ts";
import { listTraces, POOL, ScratchPool, shell } from "../support/platform.ts";
import { sketchTar } from "../support/tar.ts";

let pool: ScratchPool;
let archive = "";

beforeAll(async () => {
  pool = await ScratchPool.create();
  archive = path.join(pool.directory, "app.tar");
  fs.writeFileSync(archive, sketchTar(...dockerEntries([layer("etc/app"), layer("bin/app", "gzip")], { tags: ["app:1"] })));
});
afterAll(async () => await pool[Symbol.asyncDispose]());

test("import makes the dataset image, root's alone, and export reads it", async () => {
  await shell(`$CTAR image import --pool $POOL ${archive}`);
  expect((await shell(`zfs list -H -o name,mounted $POOL/image`)).trim()).toBe(`${POOL}/image\tyes`);
  expect(fs.statSync(`/${POOL}/image`).mode & 0o777).toBe(0o700);
  const out = path.join(pool.directory, "out.tar");
  await shell(`$CTAR image export --pool $POOL app ${out} && $CTAR image check --pool $POOL && $CTAR image import --pool $POOL ${out}`);
  expect(await shell(`$CTAR image ls -q --pool $POOL`)).toBe("docker.io/library/app:1\n");
  expect(await listTraces()).toEqual([]);
});

test("a dataset that is not mounted is named, with the command that mounts it", async () => {
  await shell(`zfs unmount $POOL/image`);
  expect(await shell(`$CTAR image ls --pool $POOL 2>&1 || true`)).toContain(`zfs mount ${POOL}/image`);
  await shell(`zfs mount $POOL/image && $CTAR image check --pool $POOL`);
});
