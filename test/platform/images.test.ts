/** Images and root filesystems become containers on a zpool: the files are those that a directory pool gets, and a failure leaves nothing. */
import * as fs from "node:fs";
import * as path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { adversarialImage } from "../oci/layers/adversarial-image.ts";
import { configOf, dockerEntries, entriesLayer } from "../support/oci.ts";
import { ctar, listTraces, POOL, ScratchPool, shell } from "../support/platform.ts";
import { sketchTar } from "../support/tar.ts";
import { listTree } from "../support/tree-listing.ts";

const TIMEOUT_MS = 120_000;
const RELEASE = { name: "usr/lib/os-release", data: "ID=debian\nVERSION_ID=12\n" };
const LAYERS = [...adversarialImage(), [RELEASE]].map((entries) => entriesLayer(...entries));
const ROOTFS = sketchTar({ name: "bin/", typeflag: "5", mode: 0o755 }, { name: "bin/sh", data: "sh", mode: 0o4755, uid: 1000 }, RELEASE);

let pool: ScratchPool;
let image = "";
/** The files in a directory pool, which are compared with what podman has elsewhere. */
let expected: string[] = [];

beforeAll(async () => {
  pool = await ScratchPool.create();
  image = path.join(pool.directory, "hard.tar");
  const config = configOf(LAYERS, { config: { Cmd: ["/bin/sh"], Env: ["A=b"] } });
  fs.writeFileSync(image, sketchTar(...dockerEntries(LAYERS, { config, tags: ["example.org/hard:1"] })));
  fs.writeFileSync(path.join(pool.directory, "rootfs.tar"), ROOTFS);
  // on the zpool too, since a temporary file system may have no attributes of users
  const directory = `/${POOL}/directory-pool`;
  await shell(`zfs set xattr=sa $POOL; $CTAR init dir:${directory}; $CTAR import --pool dir:${directory} ${image}`);
  expected = await listTree(`${directory}/ct/hard/private`);
}, TIMEOUT_MS);
afterAll(async () => await pool[Symbol.asyncDispose](), TIMEOUT_MS);

/** The files of a container, which is not mounted before. */
async function files(id: string): Promise<string[]> {
  expect(await shell(`zfs get -H -o value mounted,canmount $POOL/ct/${id}`)).toBe("no\nnoauto\n");
  await shell(`zfs mount $POOL/ct/${id}`);
  return await listTree(`/${POOL}/ct/${id}/private`);
}

describe("ctar import", () => {
  test.each([
    ["a file", `$CTAR import --pool $POOL --as-id hard01`, "hard01", ""],
    ["a pipe, with a property set", "$CTAR import --pool $POOL --as-id hard02 --zfs-property compression=lz4", "hard02", "-"],
  ])(
    "of an image, from %s",
    async (_from, command, id, pipe) => {
      await shell(pipe === "" ? `${command} ${image}` : `cat ${image} | ${command} -`);
      const tree = await files(id);
      expect(tree).toEqual(expected);
      expect(tree.length).toBeGreaterThan(60);
      const config = fs.readFileSync(`/${POOL}/conf/ct/${id}.yml`, "utf8");
      expect(config).toContain(
        `user: ${id}\ngroup: "/default"\ndataset: ${POOL}/ct/${id}\ndistribution: debian\nversion: '12'\narch: x86_64\n`,
      );
      expect(config).toContain('init_cmd:\n- "/bin/sh"\nattrs:\n  ctar:image-config: ');
      expect(fs.readFileSync(`/${POOL}/conf/id-range/default.yml`, "utf8")).toContain(`owner: user:${id}\n`);
      if (pipe !== "") expect(await shell(`zfs get -H -o value,source compression $POOL/ct/${id}`)).toBe("lz4\tlocal\n");
      expect(await listTraces()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test("of a root filesystem, through a pipe", async () => {
    await shell(`gzip -c ${pool.directory}/rootfs.tar | $CTAR import --pool $POOL --as-id root01 -`);
    const tree = await files("root01");
    expect(tree.filter((line) => line.includes(" file ")).map((line) => line.split(" ").slice(0, 4).join(" "))).toEqual([
      '"./bin/sh" file 4755 1000:0',
      '"./usr/lib/os-release" file 0644 0:0',
    ]);
    expect(await listTraces()).toEqual([]);
  });

  test("of what is damaged leaves no dataset, no user and no ids", async () => {
    const state = async (): Promise<string> =>
      await shell(`zfs list -H -o name -t all -r $POOL; ls /$POOL/conf/*; cat /$POOL/conf/id-range/*`);
    const before = await state();
    const cut = path.join(pool.directory, "cut.tar");
    const wrong = path.join(pool.directory, "wrong.tar");
    fs.writeFileSync(cut, ROOTFS.subarray(0, -1024));
    const last = entriesLayer({ name: "a/", typeflag: "5" }, { name: "../escape" });
    fs.writeFileSync(wrong, sketchTar(...dockerEntries([...LAYERS, last])));
    for (const archive of [cut, wrong]) {
      const { code, stderr } = await ctar(["import", "--pool", POOL, "--as-id", "bad01", archive]);
      expect([code, stderr]).toEqual([12, expect.stringContaining("error: ")]);
      expect(await state()).toBe(before);
      expect(await listTraces()).toEqual([]);
    }
  });
});
