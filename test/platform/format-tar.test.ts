/**
 * Format tar through the program: a container whose root filesystem has everything in it, and a great deal of it, is exported, imported, and is
 * the same; with bounded memory, and with no need for either side to know how large it is.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { makeBigTree } from "../support/big-tree.ts";
import { createContainer, ctar, listTraces, POOL, ScratchPool, shell } from "../support/platform.ts";
import { listTree } from "../support/tree-listing.ts";

/** CTAR_TEST_FILES=100000 is what it has been tried with; it takes ten minutes. */
const FILES = Number(process.env["CTAR_TEST_FILES"] ?? 3000);
const SPARSE_BYTES = 10 * 2 ** 30;
const TIMEOUT_MS = 900_000;
const PEAK_LIMIT_KIB = 250_000_000 / 1024;
const ID = "big01";
const DIFFERENCES = 10;
const MOUNTS = "mounts:\n- fs:\n  mountpoint: /srv\n  type: bind\n  opts: bind\n  automount: true\n  dataset: srv\n";

let pool: ScratchPool;
let original: string[];

beforeAll(async () => {
  pool = await ScratchPool.create(4096);
  await shell(`zfs set xattr=sa acltype=posixacl atime=off $POOL`);
  await createContainer(ID, ["srv"]);
  const root = `/${POOL}/ct/${ID}/private`;
  fs.rmdirSync(root);
  await makeBigTree(root, { files: FILES, sparseBytes: SPARSE_BYTES });
  await shell(`
    mkdir ${root}/srv; echo data > /$POOL/ct/${ID}/srv/private/data; chmod 2750 /$POOL/ct/${ID}/srv/private
    printf '${MOUNTS.replaceAll("\n", "\\n")}' >> /$POOL/conf/ct/${ID}.yml; zpool sync $POOL
    mount --bind /$POOL/ct/${ID}/srv/private ${root}/srv`);
  original = await listTree(root);
  await shell(`umount ${root}/srv`);
}, TIMEOUT_MS);

afterAll(async () => await pool?.[Symbol.asyncDispose](), TIMEOUT_MS);

describe("ctar export --format tar, ctar import", () => {
  test(
    "of a file gives the same tree, the subdataset in its place, its mount gone from the configuration",
    async () => {
      const archive = path.join(pool.directory, "big.tar");
      expect(await peakOf(`$CTAR export --format tar ${ID} ${archive}`)).toBeLessThan(PEAK_LIMIT_KIB);
      expect(await peakOf(`$CTAR import --as-id file01 ${archive}`)).toBeLessThan(PEAK_LIMIT_KIB);
      fs.rmSync(archive);
      await expectSame("file01");
      const config = fs.readFileSync(`/${POOL}/conf/ct/file01.yml`, "utf8");
      expect(config).not.toContain("dataset: srv");
      await shell(`zfs destroy -r $POOL/ct/file01`);
    },
    TIMEOUT_MS,
  );

  test(
    "through a pipe gives the same tree, with properties set on its dataset",
    async () => {
      await shell(`$CTAR export --format tar ${ID} - | $CTAR import --as-id pipe01 --zfs-property compression=lz4 -`);
      await expectSame("pipe01");
      expect(await shell(`zfs get -H -o value,source compression $POOL/ct/pipe01`)).toBe("lz4\tlocal\n");
      await shell(`zfs destroy -r $POOL/ct/pipe01`);
    },
    TIMEOUT_MS,
  );

  test("loses a subdataset that is mounted where no directory is, and says so", async () => {
    await createContainer("odd01", ["srv", "idle"]);
    await shell(
      `printf 'mounts:\\n- fs:\\n  mountpoint: /nowhere\\n  type: bind\\n  opts: bind\\n  dataset: srv\\n' >> /$POOL/conf/ct/odd01.yml`,
    );
    const { code, stderr } = await ctar(["export", "--format", "tar", "odd01", path.join(pool.directory, "odd.tar")]);
    expect(code).toBe(3);
    expect(stderr).toContain("subdataset: its mount point is no directory");
    expect(stderr).toContain("subdataset: the container mounts it nowhere: idle");
    expect(await listTraces()).toEqual([]);
  });

  test("below a dataset whose mountpoint is none", async () => {
    await shell(`zfs create -o mountpoint=none $POOL/none; $CTAR export --format tar odd01 ${pool.directory}/odd2.tar || [ $? = 3 ]`);
    const { code, stderr } = await ctar(["import", "--as-id", "none01", "--dataset", `${POOL}/none/none01`, `${pool.directory}/odd2.tar`]);
    expect([code, stderr.includes('imported container "none01"')]).toEqual([0, true]);
    expect(await listTraces()).toEqual([]);
  });
});

/** Runs a command; the most memory that it took, in KiB, as time(1) has it. */
async function peakOf(command: string): Promise<number> {
  return Number(
    await shell(`${command} 2>${pool.directory}/stderr & pid=$!
    peak=0; while now=$(grep -s VmHWM /proc/$pid/status); do set -- $now; peak=$2; sleep 0.2; done
    wait $pid || { cat ${pool.directory}/stderr >&2; exit 1; }; echo $peak`),
  );
}

async function expectSame(id: string): Promise<void> {
  await shell(`zfs mount $POOL/ct/${id}; zpool sync $POOL`);
  const lines = await listTree(`/${POOL}/ct/${id}/private`);
  const differences = original.flatMap((line, index) => (line === lines[index] ? [] : [{ expected: line, received: lines[index] }]));
  expect(differences.slice(0, DIFFERENCES)).toEqual([]);
  expect(lines).toHaveLength(original.length);
  expect(fs.lstatSync(`/${POOL}/ct/${id}/private/sparse`).blocks * 512).toBeLessThan(SPARSE_BYTES / 1000);
  expect(await listTraces()).toEqual([]);
}
