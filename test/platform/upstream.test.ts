/** What vpsAdminOS's own tools make of our archives, and we of theirs: Ruby's TarReader and TarWriter, Psych, GNU tar, gunzip, zfs recv. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { createContainer, ctar, listTraces, POOL, run, ScratchPool, shell } from "../support/platform.ts";
import { readPlainTar } from "../support/plain-tar.ts";
import { fillTree, listTree } from "../support/rich-tree.ts";

const TIMEOUT_MS = 60_000;
const ID = "rich";
const ROOT = `${POOL}/ct/${ID}`;
const DATASETS = ["", "srv"];
const TEXT_MEMBERS = [
  "metadata.yml",
  "config/user.yml",
  "config/group.yml",
  "config/container.yml",
  "hooks/pre-start",
  "hooks/post-stop.d/10-notify",
  "snapshots.yml",
  "ctar/manifest.json",
];

/** A member as upstream-read.rb found it. */
type Found = { mode: number; text: string; yaml: unknown } | null;

let pool: ScratchPool;
/** What changes while the container is stopped, and back. */
let stop: string;

beforeAll(async () => {
  pool = await ScratchPool.create();
  await createContainer(ID, ["srv"]);
  await shell(`
    zfs set compression=lz4 ${ROOT}; zfs set compression=off ${ROOT}/srv
    mkdir -p /${POOL}/conf/group/default /${POOL}/hook/ct/${ID}/post-stop.d
    printf -- '---\\ncgparams: []\\ndevices: []\\nattrs: {}\\n' > /${POOL}/conf/group/default/config.yml
    cd /${POOL}/hook/ct/${ID}; echo '#!/bin/sh' | tee pre-start > post-stop.d/10-notify; chmod 0755 pre-start post-stop.d/10-notify`);
  for (const dataset of DATASETS) await fillTree(path.join("/", ROOT, dataset, "private"));
  stop = path.join(pool.directory, "stop");
  const changes = `for d in private srv/private; do date +%N > /${ROOT}/$d/changed; rm -f /${ROOT}/$d/plain/repeated; done`;
  fs.writeFileSync(stop, `#!/bin/bash\n${changes}\n`, { mode: 0o755 });
}, TIMEOUT_MS);

afterAll(async () => await pool?.[Symbol.asyncDispose](), TIMEOUT_MS);

describe("an archive of ctar", () => {
  test.each(["file", "pipe"] as const)(
    "written to a %s is read by TarReader, Psych, tar, gunzip and zfs recv",
    async (way) => {
      const archive = path.join(pool.directory, `${way}.tar`);
      const to = way === "file" ? archive : `- | cat > ${archive}`;
      await shell(`$CTAR export --chunk-size 64K --stop-command ${stop} --start-command true ${ID} ${to}`);
      const names = readPlainTar(fs.readFileSync(archive)).map(({ name }) => name);
      const streams = new Set(names.filter((name) => name.includes(".dat")));
      expect([...streams]).toEqual([
        "rootfs/base.dat",
        "rootfs/srv/base.dat.gz",
        "rootfs/incremental.dat",
        "rootfs/srv/incremental.dat.gz",
      ]);
      expect(names.filter((name) => name === "rootfs/base.dat").length > 10).toBe(way === "pipe");

      const found = await readAsUpstream(archive);
      const snapshots = expectTexts(found);
      const original = await listTree(`/${ROOT}`);
      await restoreAsUpstream(archive, { root: `${POOL}/restored-${way}`, streams, snapshots });
      expect(await listTree(`/${POOL}/restored-${way}`)).toBe(original);
    },
    TIMEOUT_MS,
  );
});

describe("an archive of upstream's tools", () => {
  test.each([
    ["auto", "file"],
    ["off", "pipe"],
  ])(
    "with compression %s is imported by ctar from a %s",
    async (compression, way) => {
      const archive = path.join(pool.directory, `upstream-${compression}.tar`);
      const script = path.resolve("test/support/upstream-export.rb");
      await shell(`BETWEEN=${stop} ruby ${script} ${archive} ${ID} ${ROOT} /${POOL}/conf /${POOL}/hook/ct/${ID} ${compression}`);
      const original = await listTree(`/${ROOT}`);
      const { code, stdout } = await ctar(["inspect", "--json", archive]);
      expect([code, (JSON.parse(stdout) as { snapshots: string[] }).snapshots]).toEqual([
        0,
        [expect.stringMatching(/^osctl-incr-/), expect.stringMatching(/^osctl-base-/)],
      ]);
      const id = `theirs-${compression}`;
      const source = way === "file" ? `$CTAR import --as-id ${id} ${archive}` : `cat ${archive} | $CTAR import --as-id ${id} -`;
      await shell(`${source}; zfs mount ${POOL}/ct/${id}; zfs mount ${POOL}/ct/${id}/srv`);
      expect(await listTree(`/${POOL}/ct/${id}`)).toBe(original);
      expect(
        await shell(`diff -r /${POOL}/hook/ct/${ID} /${POOL}/hook/ct/${id}; stat -c %a /${POOL}/hook/ct/${id}/post-stop.d/10-notify`),
      ).toBe("755\n");
      expect(await listTraces()).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

async function readAsUpstream(archive: string): Promise<Record<string, Found>> {
  const { code, stdout, stderr } = await run(["ruby", path.resolve("test/support/upstream-read.rb"), archive, ...TEXT_MEMBERS]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as Record<string, Found>;
}

/** Checks what TarReader and Psych found. @returns names of the snapshots */
function expectTexts(found: Record<string, Found>): string[] {
  const yaml = (name: string): unknown => found[name]?.yaml;
  const [map] = /0:\d+:65536/.exec(fs.readFileSync(`/${POOL}/conf/user/${ID}.yml`, "utf8")) ?? [""];
  const maps = { uid_map: [map], gid_map: [map] };
  const config = { user: ID, group: "/default", dataset: ROOT, distribution: "debian", version: "12", arch: "x86_64" };
  const metadata = { type: "full", format: "zfs", user: ID, group: "/default", container: ID, datasets: ["srv"] };
  expect(Object.keys(found).filter((name) => found[name] === null)).toEqual([]);
  expect(yaml("metadata.yml")).toEqual({ ...metadata, exported_at: expect.any(Number) });
  expect(yaml("config/user.yml")).toEqual({ ...maps, standalone: false, attrs: {} });
  expect(yaml("config/group.yml")).toEqual({ cgparams: [], devices: [], attrs: {} });
  expect(yaml("config/container.yml")).toEqual(config);
  expect(yaml("snapshots.yml")).toEqual([expect.stringMatching(/^osctl-incr-\d+$/), expect.stringMatching(/^osctl-base-\d+$/)]);
  expect([found["hooks/pre-start"]?.mode, found["hooks/post-stop.d/10-notify"]?.text]).toEqual([0o100755, "#!/bin/sh\n"]);
  return yaml("snapshots.yml") as string[];
}

/**
 * Does what osctld's importer does: datasets made, every stream by one shell line, the snapshots destroyed one by one. It mounts them before; here
 * that is done afterwards, as each unmounting and mounting by `zfs recv -F` makes mountpoints anew and changes the times above them.
 */
async function restoreAsUpstream(
  archive: string,
  { root, streams, snapshots }: { root: string; streams: Set<string>; snapshots: string[] },
): Promise<void> {
  const lines: string[] = [];
  const datasets = DATASETS.map((relative) => ({ relative, dataset: relative === "" ? root : `${root}/${relative}` }));
  for (const { dataset } of datasets) lines.push(`zfs create -o canmount=noauto ${dataset}`);
  for (const { relative, dataset } of datasets) {
    for (const kind of ["base", "incremental"]) {
      const plain = path.join("rootfs", relative, `${kind}.dat`);
      const [member, gunzip] = streams.has(plain) ? [plain, ""] : [`${plain}.gz`, "gunzip |"];
      lines.push(`tar -xOf ${archive} ${member} | ${gunzip} zfs recv -F ${dataset}`);
    }
  }
  for (const { dataset } of datasets) for (const snapshot of snapshots) lines.push(`zfs destroy ${dataset}@${snapshot}`);
  for (const { dataset } of datasets) lines.push(`zfs mount ${dataset}`);
  await shell(lines.join("\n"));
}
