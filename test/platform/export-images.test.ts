/**
 * Images and flat tars of a container on a zpool: with a layer for each snapshot, whose trees come back one by one; and the same from pipe and
 * file, with subdatasets in place, and nothing left on the pool.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { flatten } from "../../src/oci/layers/flatten.ts";
import { openImages } from "../../src/oci/reading/open-images.ts";
import { TarReader } from "../../src/stream/tar/read.ts";
import { openInput } from "../../src/sys/input.ts";
import { extractInto } from "../../src/tree/extract-into.ts";
import type { EntrySource } from "../../src/tree/selected-entries.ts";
import { createContainer, ctar, listTraces, POOL, ScratchPool, shell } from "../support/platform.ts";
import { listTree } from "../support/tree-listing.ts";

const TIMEOUT_MS = 120_000;
const ID = "web01";
const ROOT = `/${POOL}/ct/${ID}/private`;
const MOUNTS = "mounts:\\n- fs:\\n  mountpoint: /srv\\n  type: bind\\n  opts: bind\\n  automount: true\\n  dataset: srv\\n";
const SNAPSHOTS = ["daily-1", "daily-2", "daily-3"];

let pool: ScratchPool;
/** What there is at each snapshot, and at last. */
const trees: string[][] = [];

beforeAll(async () => {
  pool = await ScratchPool.create();
  await shell(`zfs set xattr=sa acltype=posixacl atime=off $POOL; zfs create $POOL/unpacked`);
  await createContainer(ID, ["srv"]);
  await shell(`printf '${MOUNTS}' >> /$POOL/conf/ct/${ID}.yml; cd ${ROOT}
    mkdir srv etc bin deep; mkdir -p deep/a/b; echo one > etc/one; echo two > etc/two; cp /bin/true bin/; ln bin/true bin/again; ln -s one etc/link
    head -c 300000 /dev/urandom > deep/a/data; truncate -s 5M deep/sparse; echo end >> deep/sparse; mknod deep/null c 1 3; mkfifo deep/fifo
    setfattr -n user.x -v 1 etc/two; chown -R 1000:1001 deep/a; chmod 4755 bin/true
    cd ../srv/private; echo served > index; chmod 750 .`);
  await snapshot("zfs snapshot -r $POOL/ct/web01@daily-1", true);
  await shell(`cd ${ROOT}; echo changed >> etc/one; rm etc/two; rm -r deep/a; echo file > deep/a; mkdir -p new/dir; echo x > new/dir/x; ln bin/true bin/third
    touch -r etc/link etc/one; chmod 700 deep; rm deep/null; mkdir deep/null`);
  await snapshot("zfs snapshot $POOL/ct/web01@daily-2", false);
  await snapshot("zfs snapshot -r $POOL/ct/web01@daily-3", true);
  await shell(
    `cd ${ROOT}; rm -r new bin/again; echo more > etc/three; setfattr -n user.y -v 2 etc/one; touch -h -d 2020-01-01 etc/link; rm ../srv/private/index`,
  );
  await snapshot("true", true);
}, TIMEOUT_MS);

afterAll(async () => await pool?.[Symbol.asyncDispose](), TIMEOUT_MS);

/** Takes a snapshot, and notes what is in it. */
async function snapshot(command: string, withSrv: boolean): Promise<void> {
  await shell(command);
  if (withSrv) await shell(`mount --bind /$POOL/ct/${ID}/srv/private ${ROOT}/srv`);
  trees.push(await listTree(ROOT));
  if (withSrv) await shell(`umount ${ROOT}/srv`);
}

async function exported(name: string, ...args: readonly string[]): Promise<string> {
  const file = path.join(pool.directory, name);
  const { code, stderr } = await ctar(["export", "--force", ...args, ID, file], { env: { SOURCE_DATE_EPOCH: "1700000000" } });
  expect([code, stderr.split("\n").filter((line) => !line.startsWith("exported "))]).toEqual([0, [""]]);
  return file;
}

/** Lists what entries make. */
async function unpacked(entries: EntrySource): Promise<string[]> {
  const root = fs.mkdtempSync(`/${POOL}/unpacked/`);
  const onLoss = (loss: unknown): never => {
    throw new Error(`lost: ${JSON.stringify(loss)}`);
  };
  await extractInto(entries, root, { patterns: [], stripComponents: 0, force: false, onLoss });
  const lines = await listTree(root);
  fs.rmSync(root, { recursive: true });
  return lines;
}

describe("ctar export", () => {
  test(
    "--layers makes of each snapshot what it holds, and says which one a layer is of",
    async () => {
      await using input = await openInput(await exported("layers.tar", "--format", "oci", "--layers", "--tag", "example.org/web:1"));
      const archive = await openImages(input, "layers.tar", {});
      const [image] = archive.images;
      expect(image?.references).toEqual(["example.org/web:1"]);
      expect(image?.config.history.map(({ comment, emptyLayer }) => [comment, emptyLayer])).toEqual([
        ...SNAPSHOTS.map((name) => [`snapshot ${name}`, undefined]),
        [undefined, undefined],
      ]);
      const layers = (image?.layers ?? []).map((layer, index) => ({ what: `layer ${index}`, open: () => layer.open() }));
      expect(layers).toHaveLength(4);
      for (const [index, tree] of trees.entries()) {
        expect(await unpacked((await flatten(layers.slice(0, index + 1))).entries())).toEqual(tree);
      }
      await archive.close();
      expect((await listTraces()).filter((line) => !/@daily-\d$/.test(line))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    "the same snapshots give the same bytes, through a pipe too",
    async () => {
      const file = path.join(pool.directory, "layers.tar");
      await shell(`SOURCE_DATE_EPOCH=1700000000 $CTAR export --format oci --layers --tag example.org/web:1 ${ID} - | cmp - ${file}`);
    },
    TIMEOUT_MS,
  );

  test(
    "an image of one layer, and a flat tar, are the container as it is",
    async () => {
      await using input = await openInput(await exported("one.tar", "--format", "oci"));
      const archive = await openImages(input, "one.tar", {});
      const layers = (archive.images[0]?.layers ?? []).map((layer) => ({ what: "layer", open: () => layer.open() }));
      expect(await unpacked((await flatten(layers)).entries())).toEqual(trees.at(-1) ?? []);
      await archive.close();
      await using flat = await openInput(await exported("rootfs.tar", "--format", "rootfs"));
      // there is no entry for the root itself
      expect((await unpacked(new TarReader(flat))).slice(1)).toEqual((trees.at(-1) ?? []).slice(1));
      expect((await listTraces()).filter((line) => !/@daily-\d$/.test(line))).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
