/** A container goes into an archive and comes out again as it was; what cannot be imported leaves the pool as it was. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { createContainer, ctar, CTAR, listTraces, POOL, run, ScratchPool, shell } from "../support/platform.ts";
import { progressEvents } from "../support/progress-events.ts";
import { joinPlainTar, readPlainTar, type PlainMember } from "../support/plain-tar.ts";
import { fillTree, listTree } from "../support/rich-tree.ts";

const TIMEOUT_MS = 60_000;
const ID = "rich";
const ROOT = `${POOL}/ct/${ID}`;
const SUBDATASETS = ["srv", "srv/data"];
const CONFIG = `/${POOL}/conf`;
const EPOCH = 1_600_000_000;

let pool: ScratchPool;
let original: string;
/** An archive of the container, `auto` to a file. */
let archive: string;

beforeAll(async () => {
  pool = await ScratchPool.create();
  archive = path.join(pool.directory, "auto-file.tar");
  await createContainer(ID, SUBDATASETS);
  await shell(`
    zfs set compression=lz4 ${ROOT}; zfs set compression=off ${ROOT}/srv; zfs set compression=lz4 ${ROOT}/srv/data
    mkdir -p ${CONFIG}/group/apps/web /${POOL}/hook/ct/${ID}/post-stop.d
    printf -- '---\\ncgparams: []\\ndevices: []\\nattrs: {}\\n' | tee ${CONFIG}/group/apps/config.yml > ${CONFIG}/group/apps/web/config.yml
    sed -i 's,^group: .*,group: "/apps/web",' ${CONFIG}/ct/${ID}.yml
    cd /${POOL}/hook/ct/${ID}
    printf '#!/bin/sh\\necho pre-start\\n' > pre-start; printf '#!/bin/sh\\n# \\0 binary' > post-stop.d/20-second; echo '#!/bin/sh' > post-stop.d/10-first; echo notes > post-stop.d/README
    chmod 0750 pre-start; chmod 0755 post-stop.d/10-first; chmod 0500 post-stop.d/20-second`);
  for (const dataset of ["", ...SUBDATASETS]) await fillTree(path.join("/", ROOT, dataset, "private"));
  original = await listTree(`/${ROOT}`);
}, TIMEOUT_MS);

afterAll(async () => await pool?.[Symbol.asyncDispose](), TIMEOUT_MS);

describe("ctar export, ctar import", () => {
  const streams = {
    auto: ["rootfs/base.dat", "rootfs/srv/base.dat.gz", "rootfs/srv/data/base.dat"],
    off: ["rootfs/base.dat", "rootfs/srv/base.dat", "rootfs/srv/data/base.dat"],
    gzip: ["rootfs/base.dat.gz", "rootfs/srv/base.dat.gz", "rootfs/srv/data/base.dat.gz"],
  };
  const ways = (["auto", "off", "gzip"] as const).flatMap((compression) => [
    [compression, "file"] as const,
    [compression, "pipe"] as const,
  ]);

  test.each(ways)(
    "with compression %s through a %s bring every dataset back identical, and leave nothing else",
    async (compression, way) => {
      const id = `copy-${compression}-${way}`;
      const file = path.join(pool.directory, `${compression}-${way}.tar`);
      const script = {
        file: `$CTAR export -c ${compression} ${ID} ${file}; $CTAR import --as-id ${id} ${file}`,
        pipe: `$CTAR export -c ${compression} ${ID} - | tee ${file} | $CTAR import --as-id ${id} -`,
      };
      await shell(`export SOURCE_DATE_EPOCH=${EPOCH}; ${script[way]}`);
      expect(streamNames(file)).toEqual(streams[compression]);
      await expectCopy(`${POOL}/ct/${id}`);
      expect(readConfig(`ct/${id}.yml`)).toBe(readConfig(`ct/${ID}.yml`).replace(ROOT, `${POOL}/ct/${id}`));
      expect(modeOf(`ct/${id}.yml`)).toBe("100400");
    },
    TIMEOUT_MS,
  );

  test(
    "carry hooks with their modes, kind by kind, without what is not executable",
    async () => {
      const hooks = readMembers(archive).filter(({ name }) => name.startsWith("hooks"));
      expect(hooks.map(({ name, typeflag, mode }) => [name, typeflag, mode.toString(8)])).toEqual([
        ["hooks", "5", "40755"],
        ["hooks/pre-start", "0", "100750"],
        ["hooks/post-stop.d", "5", "40755"],
        ["hooks/post-stop.d/10-first", "0", "100755"],
        ["hooks/post-stop.d/20-second", "0", "100500"],
      ]);
      const imported = `/${POOL}/hook/ct/copy-auto-file`;
      const list = `cd ${imported}; find . -type f -printf '%P %m %U:%G\\n' | sort; diff -r -x README . /${POOL}/hook/ct/${ID}`;
      expect(await shell(list)).toBe("post-stop.d/10-first 755 0:0\npost-stop.d/20-second 500 0:0\npre-start 750 0:0\n");
    },
    TIMEOUT_MS,
  );

  test(
    "make the archive's user and group, with the levels above it, where the pool has none",
    async () => {
      await shell(`cd ${CONFIG}; mv user/${ID}.yml user.aside; mv group/apps group.aside`);
      await mustImport("--as-id", "settler", archive);
      expect(await shell(`cd ${CONFIG}; cmp user/${ID}.yml user.aside; diff -r group/apps group.aside`)).toBe("");
      expect([`user/${ID}.yml`, "group/apps/config.yml", "group/apps/web/config.yml"].map(modeOf)).toEqual(["100400", "100400", "100400"]);
      await shell(`cd ${CONFIG}; rm -r user.aside group.aside`);
    },
    TIMEOUT_MS,
  );

  test(
    "take another user, group, dataset and properties on import",
    async () => {
      await shell(`
        zfs create ${POOL}/elsewhere; cd ${CONFIG}
        printf -- '---\\nuid_map:\\n- 0:500000:65536\\ngid_map:\\n- 0:500000:65536\\nstandalone: false\\nattrs: {}\\n' > user/other.yml`);
      const dataset = `${POOL}/elsewhere/moved`;
      await mustImport(
        "--as-id",
        "moved",
        "--as-user",
        "other",
        "--as-group",
        "/default",
        "--dataset",
        dataset,
        "--zfs-property",
        "compression=zstd",
        "--zfs-property",
        "atime=off",
        archive,
      );
      expect(readConfig("ct/moved.yml")).toContain(`user: other\ngroup: "/default"\ndataset: ${dataset}\n`);
      const properties = await shell(`zfs get -H -r -t filesystem -s local -o value compression,atime ${dataset} | tr '\\n' ' '`);
      expect(properties).toBe("zstd off zstd off zstd off ");
      await expectCopy(dataset);
    },
    TIMEOUT_MS,
  );

  test(
    "import below an encrypted dataset, base and incremental",
    async () => {
      const secret = `${POOL}/secret`;
      await shell(`echo long-passphrase > ${pool.directory}/key
        zfs create -o encryption=aes-256-gcm -o keyformat=passphrase -o pbkdf2iters=100000 -o keylocation=file://${pool.directory}/key ${secret}
        $CTAR export --stop-command true --start-command true ${ID} - | $CTAR import --as-id hidden --dataset ${secret}/hidden -`);
      expect(
        await shell(`zfs get -H -r -t filesystem -o value encryption,encryptionroot ${secret}/hidden | sort | uniq -c | tr -s ' '`),
      ).toBe(` 3 aes-256-gcm\n 3 ${secret}\n`);
      await expectCopy(`${secret}/hidden`);
    },
    TIMEOUT_MS,
  );
});

describe("--progress json", () => {
  const NOISE_BYTES = 20_000_000;
  let file: string;
  /** Bytes of the streams, as the archive has them. */
  let sent: number;

  beforeAll(async () => {
    await createContainer("steady", ["srv"]);
    await shell(`for at in steady steady/srv; do head -c ${NOISE_BYTES} /dev/urandom > /${POOL}/ct/$at/private/noise; done`);
    file = path.join(pool.directory, "steady.tar");
    await shell(`$CTAR export -c off steady ${file}`);
    sent = readMembers(file).reduce((sum, { name, content }) => sum + (isStream(name) ? content.length : 0), 0);
  }, TIMEOUT_MS);

  test(
    "of an export tells before its end how much it will be, by dataset and in all",
    async () => {
      const reader = `{ sleep 3; cat > ${file}.piped; }`;
      const said = await shell(`$CTAR export -c off --progress json steady - 2>${file}.events | ${reader}; cat ${file}.events`);
      const events = progressEvents(said);
      const stalled = events.find(({ bytes, total }) => total !== null && bytes > 0 && bytes < NOISE_BYTES);
      expect(stalled).toMatchObject({ verb: "export", phase: "base", dataset: "" });
      expect(Math.abs((stalled?.total ?? 0) / sent - 1)).toBeLessThan(0.05);
      expect(Math.abs((stalled?.datasetTotal ?? 0) / sent - 0.5)).toBeLessThan(0.05);
      expect(events.at(-1)).toMatchObject({ dataset: "srv", bytes: sent, total: sent, done: true });
    },
    TIMEOUT_MS,
  );

  test.each(["-c off", "-c off --no-verify", "-c gzip"])(
    "of an export into a file with %j ends with what was sent",
    async (options) => {
      const said = await shell(`$CTAR export --force --progress json ${options} steady ${file}.new 2>&1`);
      expect(progressEvents(said).at(-1)).toMatchObject({ phase: "base", dataset: "srv", bytes: sent, total: sent, done: true });
    },
    TIMEOUT_MS,
  );

  test(
    "of an import ends with all of the archive",
    async () => {
      const said = await shell(`$CTAR import --as-id steady2 --progress json ${file} 2>&1`);
      const last = progressEvents(said).at(-1);
      expect(last).toMatchObject({ verb: "import", phase: "base", dataset: "srv", done: true });
      expect(Math.abs((last?.bytes ?? 0) / fs.statSync(file).size - 1)).toBeLessThan(0.01);
      expect(await listTraces()).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

describe("ctar export", () => {
  test("with SOURCE_DATE_EPOCH writes the same headers and text members each time, but for the manifest", () => {
    const [first, second] = ["auto-file", "gzip-pipe"].map((name) => readMembers(path.join(pool.directory, `${name}.tar`)).filter(isText));
    expect(first?.map(({ name }) => name)).toEqual([
      "metadata.yml",
      "config",
      "config/user.yml",
      "config/group.yml",
      "config/container.yml",
      "hooks",
      "hooks/pre-start",
      "hooks/post-stop.d",
      "hooks/post-stop.d/10-first",
      "hooks/post-stop.d/20-second",
      "rootfs",
      "rootfs/",
      "rootfs/srv",
      "rootfs/srv/data",
      "snapshots.yml",
    ]);
    expect(second?.map(({ blocks }) => blocks.toString())).toEqual(first?.map(({ blocks }) => blocks.toString()) ?? []);
    expect(first?.[0]?.content.toString()).toEndWith(`exported_at: ${EPOCH}\n`);
    expect(first?.at(-1)?.content.toString()).toBe(`---\n- osctl-base-${EPOCH}\n`);
  });
});

describe("ctar import refuses, and leaves the pool as it was:", () => {
  const anew = ["--as-id", "anew"];
  const rows: [what: string, args: string[], change: (members: PlainMember[], bytes: Buffer) => Buffer, code: number, says: RegExp][] = [
    ["an id that a container has", [], asItIs, 1, /container "rich": it exists/],
    ["a dataset that exists", ["--as-id", "taken"], asItIs, 1, /dataset "\S+\/ct\/taken": it exists/],
    ["a dataset that a container names as its own", [...anew, "--dataset", `${POOL}/ct/absent`], asItIs, 1, /container "absent" names it/],
    ["an unknown user", [...anew, "--as-user", "nobody-such"], asItIs, 10, /user "nobody-such"/],
    ["an unknown group", [...anew, "--as-group", "/no/such"], asItIs, 10, /group "\/no\/such"/],
    [
      "a user of the same name with another map",
      anew,
      (_, bytes) => without(readPlainTar(replace(bytes, ":65536\n", ":65535\n")), "ctar/manifest.json"),
      1,
      /uid map/,
    ],
    [
      "an archive without a base stream",
      anew,
      (members) => without(members, "rootfs/srv/data/base.dat"),
      12,
      /rootfs\/srv\/data\/base\.dat/,
    ],
    ["an archive without metadata.yml", anew, (members) => without(members, "metadata.yml"), 12, /metadata\.yml/],
    ["an archive without config/container.yml", anew, (members) => without(members, "config/container.yml"), 12, /container\.yml/],
    ["an archive cut off in the first stream", anew, (members) => cut(members, "rootfs/base.dat", 300_000), 12, /./],
    ["an archive cut off in the last stream", anew, (members) => cut(members, "rootfs/srv/data/base.dat", 300_001), 12, /./],
    ["an archive cut off between streams", anew, (members) => cut(members, "rootfs/srv/data/base.dat", 0), 12, /./],
    ["an archive cut off in a header", anew, (members) => cut(members, "config/container.yml", 100), 12, /./],
    [
      "a stream with a flipped bit",
      anew,
      (members, bytes) => flip(bytes, offsetOf(members, "rootfs/srv/data/base.dat") + 400_000),
      12,
      /checksum/,
    ],
    ["a file of another kind", anew, () => fs.readFileSync("/bin/ls"), 12, /./],
    ["an empty file", anew, () => Buffer.alloc(0), 12, /./],
    ["a skel archive", anew, (members, bytes) => skeleton(members, bytes), 1, /"skel"/],
  ];

  let before: string;

  beforeAll(async () => {
    await shell(
      `zfs create ${POOL}/ct/taken; sed 's,^dataset: .*,dataset: ${POOL}/ct/absent,' ${CONFIG}/ct/${ID}.yml > ${CONFIG}/ct/absent.yml`,
    );
    before = await describePool();
  }, TIMEOUT_MS);

  test.each(rows)(
    "%s",
    async (_what, args, change, code, says) => {
      const bytes = fs.readFileSync(archive);
      const file = path.join(pool.directory, "changed.tar");
      fs.writeFileSync(file, change(readPlainTar(bytes), bytes));
      const finished = await ctar(["import", ...args, file]);
      expect([finished.code, finished.stderr]).toEqual([code, expect.stringMatching(says)]);
      expect(finished.stderr).not.toMatch(/^ +at |warning:/m);
      expect(await describePool()).toBe(before);
    },
    TIMEOUT_MS,
  );

  test(
    "an archive that ends early on a pipe",
    async () => {
      const script = `set +o pipefail; head -c 500000 ${archive} | { $CTAR import --as-id anew - 2>/dev/null && echo 0 || echo $?; }`;
      expect(await shell(script)).toBe("12\n");
      expect(await describePool()).toBe(before);
    },
    TIMEOUT_MS,
  );
});

/** Checks that a copy is there, not mounted, that it is the same as the original once mounted, and that both sides are clean. */
async function expectCopy(root: string): Promise<void> {
  const names = [root, ...SUBDATASETS.map((relative) => `${root}/${relative}`)];
  const states = await shell(`zfs list -H -r -t filesystem -o name,canmount,mounted ${root}`);
  expect(states).toBe(names.map((name) => `${name}\tnoauto\tno\n`).join(""));
  expect(await listTraces()).toEqual([]);
  await shell(names.map((name) => `zfs mount ${name}`).join("\n"));
  expect(await listTree(`/${root}`)).toBe(original);
}

async function mustImport(...args: string[]): Promise<void> {
  const { code, stderr } = await ctar(["import", ...args]);
  if (code !== 0) throw new Error(`${CTAR} import ended with ${code}: ${stderr}`);
}

/** All datasets and snapshots, and all files of the configuration with their content. */
async function describePool(): Promise<string> {
  const { stdout } = await run(["zfs", "list", "-H", "-r", "-t", "all", "-o", "name,guid,canmount,mounted,ctar:run", POOL]);
  const directories = ["conf", "hook"].map((name) => `/${POOL}/${name}`);
  const files = directories.flatMap((directory) =>
    fs.readdirSync(directory, { recursive: true }).map((name) => path.join(directory, String(name))),
  );
  return [stdout, ...files.toSorted().map(describeFile)].join("\n");
}

function describeFile(file: string): string {
  const stat = fs.lstatSync(file);
  return `${file} ${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${stat.isFile() ? fs.readFileSync(file, "latin1") : ""}`;
}

function readConfig(name: string): string {
  return fs.readFileSync(path.join(CONFIG, name), "utf8");
}

function modeOf(name: string): string {
  return fs.statSync(path.join(CONFIG, name)).mode.toString(8);
}

function readMembers(file: string): PlainMember[] {
  return readPlainTar(fs.readFileSync(file));
}

function isStream(name: string): boolean {
  return /\.dat(\.gz)?$/.test(name);
}

/** What is neither a stream nor the manifest, which has the streams' checksums in it. */
function isText({ name }: PlainMember): boolean {
  return !isStream(name) && name !== "ctar/manifest.json";
}

/** Names of the streams, pieces joined. */
function streamNames(file: string): string[] {
  return [...new Set(readMembers(file).map(({ name }) => name))].filter(isStream);
}

function asItIs(_members: PlainMember[], bytes: Buffer): Buffer {
  return bytes;
}

function without(members: PlainMember[], name: string): Buffer {
  expect(members.some((member) => member.name === name)).toBe(true);
  return joinPlainTar(members.filter((member) => member.name !== name));
}

function offsetOf(members: PlainMember[], name: string): number {
  const member = members.find((candidate) => candidate.name === name);
  if (member === undefined) throw new Error(`the archive has no ${name}`);
  return member.offset;
}

function cut(members: PlainMember[], name: string, bytes: number): Buffer {
  return joinPlainTar(members).subarray(0, offsetOf(members, name) + bytes);
}

function flip(bytes: Buffer, at: number): Buffer {
  bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
  return bytes;
}

/** Replaces text by text of the same length, so that headers stay right. */
function replace(bytes: Buffer, from: string, to: string): Buffer {
  const at = bytes.indexOf(from);
  if (at < 0) throw new Error(`the archive has no ${from}`);
  bytes.write(to, at);
  return bytes;
}

function skeleton(members: PlainMember[], bytes: Buffer): Buffer {
  replace(bytes, "type: full", "type: skel");
  return joinPlainTar(members.filter(({ name }) => /^(metadata\.yml|config.*|hooks.*)$/.test(name)));
}
