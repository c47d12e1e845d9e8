/**
 * The drill of a rescue: a pool is filled, taken to other media, imported there below another root without osctld, containers are put on it
 * from a file and from a pipe, and at home it is as osctld expects it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { createContainer, ctar, listTraces, POOL, ScratchPool, shell } from "../support/platform.ts";
import { fillTree, listTree } from "../support/rich-tree.ts";

const ID = "home01";
let pool: ScratchPool;
let altroot = "";
let archive = "";
/** What the container's root filesystem is, and what the container sees, with its subdataset mounted. */
let listing = "";
let seen = "";

beforeAll(async () => {
  pool = await ScratchPool.create();
  altroot = path.join(pool.directory, "altroot");
  archive = path.join(pool.directory, "home01.tar");
  await createContainer(ID, ["srv"]);
  await fillTree(`/${POOL}/ct/${ID}/private`);
  await shell(`
    mkdir -p /$POOL/ct/${ID}/private/srv; echo data > /$POOL/ct/${ID}/srv/private/data; chmod 2750 /$POOL/ct/${ID}/srv/private
    printf 'mounts:\\n- fs:\\n  mountpoint: /srv\\n  type: bind\\n  opts: bind\\n  automount: true\\n  dataset: srv\\n' >> /$POOL/conf/ct/${ID}.yml`);
  listing = await listWithoutInodes(`/${POOL}/ct/${ID}/private`);
  await shell(`mount --bind /$POOL/ct/${ID}/srv/private /$POOL/ct/${ID}/private/srv`);
  seen = await listWithoutInodes(`/${POOL}/ct/${ID}/private`);
  await shell(`umount /$POOL/ct/${ID}/private/srv`);
  await shell(
    `printf '#!/bin/sh\\n' > /$POOL/srv.sh; mkdir -p /$POOL/hook/ct/${ID}; install -m 755 /$POOL/srv.sh /$POOL/hook/ct/${ID}/pre-start; rm /$POOL/srv.sh`,
  );
  await shell(`$CTAR export ${ID} ${archive}`);
});
afterAll(async () => await pool[Symbol.asyncDispose]());

const skip = process.env["CTAR_TEST_ZPOOL"] === undefined ? test : test.skip; // a pool of the host is not exported and imported
const why = process.env["CTAR_TEST_ZPOOL"] === undefined ? "" : " (skipped: the pool is the host's)";

describe(`a pool on rescue media${why}`, () => {
  skip("is refused as long as its configuration is not mounted, with the command that mounts it", async () => {
    await shell(`zpool export $POOL; zpool import -d ${pool.directory} -N -R ${altroot} $POOL`);
    const { code, stderr } = await ctar(["import", "--as-id", "lost01", archive]);
    expect([code, stderr]).toEqual([10, `error: Cannot use "${POOL}/conf": it is not mounted\n\nhint: zfs mount ${POOL}/conf\n`]);
    expect(fs.existsSync(`/${POOL}/conf/ct`)).toBe(false);
  });

  skip("takes containers from a file and from a pipe, in both formats, at the paths that ZFS tells", async () => {
    await shell(`for d in $POOL $POOL/conf $POOL/hook $POOL/log; do zfs mount $d; done`);
    const fromFile = await ctar(["import", "--as-id", "file01", archive]);
    expect([fromFile.code, fromFile.stderr]).toEqual([0, expect.stringContaining('imported container "file01"')]);
    expect(fromFile.stderr).toContain("a hook on the pool sets them when vpsAdminOS next starts");
    await shell(`cat ${archive} | $CTAR import --as-id pipe01 -`);
    await shell(`$CTAR export --format tar ${ID} - | $CTAR import --as-id tar01 --map-mode native -`);
    expect(fs.readFileSync(`${altroot}/${POOL}/conf/ct/file01.yml`, "utf8")).toContain(`dataset: ${POOL}/ct/file01\n`);
    expect(fs.readFileSync(`${altroot}/${POOL}/conf/ct/tar01.yml`, "utf8")).toContain("map_mode: native\n");
    expect(fs.existsSync(`/${POOL}/conf`)).toBe(false);
  });

  skip("leaves a hook that sets the id maps, where ZFS here has none and the container needs them", async () => {
    const hooks = `${altroot}/${POOL}/hook/pool/pre-autostart.d`;
    expect(fs.readdirSync(hooks).toSorted()).toEqual(["50-ctar-id-maps-file01", "50-ctar-id-maps-pipe01"]);
    const hook = path.join(hooks, "50-ctar-id-maps-file01");
    expect(fs.statSync(hook).mode).toBe(0o100700);
    const log = path.join(pool.directory, "hook.log");
    const fake = path.join(pool.directory, "bin");
    await shell(`mkdir -p ${fake}; printf '#!/bin/sh\\necho "$@" >> ${log}\\n' > ${fake}/zfs; chmod +x ${fake}/zfs`);
    await shell(`PATH=${fake}:$PATH ${hook}`);
    const map = /0:\d+:65536/.exec(fs.readFileSync(`${altroot}/${POOL}/conf/user/${ID}.yml`, "utf8"))?.[0];
    expect(fs.readFileSync(log, "utf8").split("\n").slice(1, -1)).toEqual(
      [`${POOL}/ct/file01`, `${POOL}/ct/file01/srv`].map((dataset) => `set uidmap=${map} gidmap=${map} ${dataset}`),
    );
    expect(fs.existsSync(hook)).toBe(false);
    fs.writeFileSync(`${fake}/zfs`, "#!/bin/sh\nexit 1\n");
    await shell(`PATH=${fake}:$PATH ${hooks}/50-ctar-id-maps-pipe01`); // never fails, or no container of the pool would start
    expect(fs.existsSync(path.join(hooks, "50-ctar-id-maps-pipe01"))).toBe(true);
  });

  skip("has at home what osctld expects", async () => {
    await shell(`zpool export $POOL; zpool import -d ${pool.directory} $POOL`);
    for (const id of ["file01", "pipe01", "tar01"]) {
      const file = `/${POOL}/conf/ct/${id}.yml`;
      expect([fs.statSync(file).mode, fs.statSync(file).uid]).toEqual([0o100400, 0]);
      const properties = await shell(`zfs get -H -p -r -t filesystem -o value,source canmount,mountpoint $POOL/ct/${id}`);
      expect([
        ...new Set(
          properties
            .trimEnd()
            .split("\n")
            .map((line) => line.replace(/\/.*\t/, "/…\t")),
        ),
      ]).toEqual(["noauto\tlocal", "/…\tdefault"]);
      expect(fs.statSync(`/${POOL}/hook/ct/${id}`).mode).toBe(0o040700);
      expect(fs.statSync(`/${POOL}/hook/ct/${id}/pre-start`).mode).toBe(0o100755);
      await shell(`zfs mount $POOL/ct/${id}`);
      expect(await listWithoutInodes(`/${POOL}/ct/${id}/private`)).toEqual(id === "tar01" ? seen : listing);
    }
    expect(fs.statSync(`/${POOL}/ct/tar01`).mode).toBe(0o040770);
    expect(await listTraces()).toEqual([]);
    const doctor = await ctar(["doctor"]);
    expect([doctor.code, doctor.stdout.includes("left over")]).toEqual([0, false]);
  });

  skip("tells of a pool that a newer system has used", async () => {
    await shell(`echo 20991231235959 >> /$POOL/.migrations`);
    const { stderr } = await ctar(["import", "--dry-run", "--as-id", "x", archive]);
    expect(stderr).toContain(`warning: pool "${POOL}" was used by a newer vpsAdminOS (migration 20991231235959)`);
  });
});

/** A listing with the first name of a file in place of its inode, which a tar does not keep. */
async function listWithoutInodes(directory: string): Promise<string> {
  const first = new Map<string, string>();
  const lines = (await listTree(directory)).split("\n").map((line) => {
    const match = /^(.*?) {2}(f .* \S+ \d+ )(\d+)( .*)$/.exec(line);
    if (match === null)
      return line.replace(/^(.* {2}[dlbcps] \S+ \S+ \S+ \d+ \d+ )\d+/, "$1").replace(/^(.* {2}d \S+ \S+ \S+ )\d+ \d+/, "$1");
    const [, name = "", before = "", inode = "", after = ""] = match;
    first.set(inode, first.get(inode) ?? name);
    return `${name}  ${before}${first.get(inode)}${after}`;
  });
  return lines.join("\n");
}
