/**
 * Every example archive, as each writer makes it, on a real pool: the configuration files that osctld would load are checked field by field
 * against test/fixtures/imported, which was derived from the examples by hand, and with them modes, owners, datasets and their properties.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { gzipSync } from "node:zlib";
import { loadYaml } from "../../src/yaml/load.ts";
import { YamlMap, type YamlValue } from "../../src/yaml/value.ts";
import { EXAMPLES, packExample, VARIANTS, type ExampleName, type Variant } from "../support/example-archives.ts";
import { ctar, listTraces, POOL, ScratchPool, shell } from "../support/platform.ts";

interface Expected {
  id: string;
  user: string;
  options: readonly string[];
  /** Subdatasets. */
  datasets: readonly string[];
  /** Blocks of the default range that are entered, as `index:count:owner`. */
  allocations: readonly string[];
  hooks?: Readonly<Record<string, number>>;
}

const IMPORTED: Readonly<Partial<Record<ExampleName, Expected>>> = {
  "01-full-zfs-consistent": {
    id: "web01",
    user: "web01",
    options: ["--missing-devices", "provide"],
    datasets: ["srv", "srv/data"],
    allocations: ["1:1:user:web01"],
    hooks: { "pre-start": 0o100755, "post-stop.d": 0o040755, "post-stop.d/10-notify": 0o100755 },
  },
  "02-full-zfs-minimal-stopped": { id: "mail01", user: "mail01", options: [], datasets: [], allocations: ["2:1:user:mail01"] },
  "04-repository-image-tar": { id: "image", user: "image", options: ["--as-id", "image"], datasets: [], allocations: ["0:1:user:image"] },
  "05-repository-image-zfs": {
    id: "image",
    user: "image",
    options: ["--as-id", "image"],
    datasets: ["nix"],
    allocations: ["0:1:user:image"],
  },
  "06-openvz-converter-tar": { id: "101", user: "default", options: [], datasets: [], allocations: [] },
  "07-legacy-2018-shapes": { id: "old01", user: "user01", options: [], datasets: [], allocations: [] },
  "08-newer-upstream-2025plus": { id: "app7", user: "app7", options: [], datasets: [], allocations: ["3:1:user:app7"] },
};
/** Reading is the same on all versions of ZFS: on old ones, one writer's archives do. */
const WRITERS = execFileSync("zfs", ["version"], { encoding: "utf8" }).startsWith("zfs-2.1") ? (["golden"] as const) : VARIANTS;
const CASES = Object.entries(IMPORTED).flatMap(([name, expected]) =>
  WRITERS.map((variant) => [name, variant, expected] as [ExampleName, Variant, Expected]),
);
const CONTENT = "what the container holds\n";

let pool: ScratchPool;
beforeAll(async () => {
  pool = await ScratchPool.create();
});
afterAll(async () => await pool[Symbol.asyncDispose]());

test("every example is imported or refused here", () => {
  expect([...Object.keys(IMPORTED), "03-skel-for-send"].toSorted()).toEqual([...EXAMPLES]);
});

describe("ctar import of", () => {
  test.each(CASES)("%s, written as %s, leaves what osctld loads", async (name, variant, expected) => {
    const { id, user, options, datasets } = expected;
    const archive = path.join(pool.directory, `${name}.tar`);
    fs.writeFileSync(archive, await packExample(name, variant, { streams: await streamsOf(name, expected) }));
    const before = await confInventory();
    const { code, stderr } = await ctar(["import", ...options, archive]);
    expect([code, stderr.includes(`imported container "${id}"`), stderr]).toEqual([0, true, stderr]);

    expect(configOf(`ct/${id}.yml`)).toEqual(fixture(name, "container.yml"));
    expect(configOf(`user/${user}.yml`)).toEqual(fixture(name, "user.yml"));
    if (name.startsWith("01")) {
      expect(configOf("group/customers/gold/config.yml")).toEqual(fixture(name, "group.yml"));
      expect(configOf("group/customers/config.yml")).toEqual(fixture(name, "parent-group.yml"));
    }
    expect(allocations()).toEqual([...expected.allocations]);
    expectFileModes(id, user, expected);
    await expectDatasets(id, datasets);
    expect(await listTraces()).toEqual([]);
    await removeContainer(expected);
    expect(await confInventory()).toEqual(before);
  });

  test.each(VARIANTS)("a skel archive, written as %s, is refused with its reason", async (variant) => {
    const archive = path.join(pool.directory, "skel.tar");
    fs.writeFileSync(archive, await packExample("03-skel-for-send", variant));
    const before = await confInventory();
    const { code, stderr } = await ctar(["import", archive]);
    expect([code, stderr.split("\n")[0]]).toEqual([
      1,
      'error: Cannot import the archive: it is of type "skel" and carries configuration only, no data',
    ]);
    expect([await confInventory(), await listTraces()]).toEqual([before, []]);
  });
});

describe("ruby's YAML, as osctld reads it,", () => {
  test("gets the same from what was written", async () => {
    const archive = path.join(pool.directory, "ruby.tar");
    const expected = IMPORTED["06-openvz-converter-tar"] as Expected;
    fs.writeFileSync(
      archive,
      await packExample("06-openvz-converter-tar", "golden", { streams: await streamsOf("06-openvz-converter-tar", expected) }),
    );
    expect((await ctar(["import", archive])).code).toBe(0);
    const files = [`/${POOL}/conf/ct/101.yml`, `/${POOL}/conf/user/default.yml`];
    const ours = files.map((file) => plain(loadYaml(fs.readFileSync(file), file)));
    const ruby = await shell(
      `ruby -ryaml -rjson -e 'puts JSON.generate(ARGV.map { |f| YAML.safe_load(File.read(f)) })' ${files.join(" ")}`,
    );
    expect(JSON.parse(ruby)).toEqual(ours);
    await removeContainer(expected);
  });
});

const made = new Map<ExampleName, Promise<Record<string, Uint8Array>>>();

/** Streams of an example, made once. */
function streamsOf(name: ExampleName, expected: Expected): Promise<Record<string, Uint8Array>> {
  const streams = made.get(name) ?? makeStreams(name, expected);
  made.set(name, streams);
  return streams;
}

/** Makes streams on the pool, with the snapshots that the example lists. */
async function makeStreams(name: ExampleName, { datasets }: Expected): Promise<Record<string, Uint8Array>> {
  if (name.endsWith("-tar")) {
    const directory = fs.mkdtempSync(path.join(pool.directory, "tree-"));
    fs.writeFileSync(path.join(directory, "content"), CONTENT);
    await shell(`tar -C ${directory} -czf ${directory}.tar.gz .`);
    return { "rootfs/base.tar.gz": fs.readFileSync(`${directory}.tar.gz`) };
  }
  const file = new URL(`../fixtures/examples/${name}/snapshots.yml`, import.meta.url);
  const listed = fs.existsSync(file) ? (loadYaml(fs.readFileSync(file), "snapshots.yml") as string[]) : ["osctl-base-1517400000"];
  const [base, incremental] = listed.toReversed() as [string, string | undefined];
  const all = ["", ...datasets];
  const sub = (relative: string): string => (relative === "" ? "" : `/${relative}`);
  const touch = (leaf: string): string =>
    all.map((relative) => `printf '${CONTENT}' > /$POOL/source${sub(relative)}/private/${leaf}`).join("\n");
  await shell(`
    for d in ${all.map((relative) => `source${sub(relative)}`).join(" ")}; do zfs create $POOL/$d; mkdir /$POOL/$d/private; done
    ${incremental === undefined ? touch("content") : ""}
    zfs snapshot -r $POOL/source@${base}
    ${incremental === undefined ? "" : `${touch("content")}\nzfs snapshot -r $POOL/source@${incremental}`}`);
  const streams: Record<string, Uint8Array> = {};
  for (const [kind, range] of [["base", `@${base}`], ...(incremental === undefined ? [] : [["incremental", `@${incremental}`]])] as [
    string,
    string,
  ][]) {
    for (const relative of all) {
      const from = kind === "base" ? "" : `-I @${base}`;
      const out = path.join(pool.directory, "stream");
      await shell(`zfs send ${from} $POOL/source${sub(relative)}${range} > ${out}`);
      streams[`rootfs/${relative === "" ? "" : `${relative}/`}${kind}.dat.gz`] = gzipSync(fs.readFileSync(out));
    }
  }
  await shell(`zfs destroy -r $POOL/source`);
  return streams;
}

function expectFileModes(id: string, user: string, { hooks = {} }: Expected): void {
  const expected: Record<string, number> = {
    [`conf/ct/${id}.yml`]: 0o100400,
    [`conf/user/${user}.yml`]: 0o100400,
    [`hook/ct/${id}`]: 0o040700,
  };
  for (const [hook, mode] of Object.entries(hooks)) expected[`hook/ct/${id}/${hook}`] = mode;
  const found = Object.keys(expected).map((file) => {
    const { mode, uid, gid } = fs.statSync(`/${POOL}/${file}`);
    return [file, mode, uid, gid];
  });
  expect(found).toEqual(Object.entries(expected).map(([file, mode]) => [file, mode, 0, 0]));
}

async function expectDatasets(id: string, datasets: readonly string[]): Promise<void> {
  const names = ["", ...datasets].map((relative) => `${POOL}/ct/${id}${relative === "" ? "" : `/${relative}`}`);
  const rows = await shell(`zfs get -H -p -r -t filesystem -o name,value,source canmount $POOL/ct/${id}`);
  expect(rows.trimEnd().split("\n")).toEqual(names.map((dataset) => `${dataset}\tnoauto\tlocal`));
  const contents = await shell(`
    for d in ${names.join(" ")}; do [ "$(zfs get -H -o value mounted $d)" = no ]; zfs mount $d; done
    cat ${names.map((dataset) => `/${dataset}/private/content`).join(" ")}`);
  expect(contents).toBe(CONTENT.repeat(names.length));
}

async function removeContainer({ id, user, allocations: blocks }: Expected): Promise<void> {
  await shell(`
    zfs destroy -r $POOL/ct/${id}
    rm -rf /$POOL/conf/ct/${id}.yml /$POOL/conf/user/${user}.yml /$POOL/hook/ct/${id} /$POOL/conf/group/customers /$POOL/hook/pool/pre-autostart.d`);
  if (blocks.length > 0 || id === "web01")
    await shell(`rm /$POOL/conf/id-range/default.yml /$POOL/conf/group/config.yml; $CTAR init $POOL`);
}

/** Files of the pool's configuration and hooks, with their content. */
async function confInventory(): Promise<string> {
  return await shell(`cd /$POOL && find conf hook -path conf/.ctar -prune -o -printf '%p %M %u\\n' -type f -exec sha256sum {} + | sort`);
}

function allocations(): string[] {
  const range = configOf("id-range/default.yml") as { allocations: { block_index: number; block_count: number; owner: string }[] };
  return range.allocations.map(({ block_index: index, block_count: count, owner }) => `${index}:${count}:${owner}`);
}

function configOf(file: string): unknown {
  return plain(loadYaml(fs.readFileSync(`/${POOL}/conf/${file}`), file));
}

function fixture(name: string, file: string): unknown {
  return plain(loadYaml(fs.readFileSync(new URL(`../fixtures/imported/${name}/${file}`, import.meta.url)), file));
}

function plain(value: YamlValue): unknown {
  if (value instanceof YamlMap) return Object.fromEntries([...value].map(([key, item]) => [String(key), plain(item)]));
  return Array.isArray(value) ? value.map(plain) : value;
}
