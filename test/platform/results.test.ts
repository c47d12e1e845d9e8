/** `--json` of export and import on a zpool: guids are those of ZFS, digests those of the bytes. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { DocumentCheck, ZPOOL_KEYS } from "../support/json-document.ts";
import { createContainer, ctar, listTraces, POOL, ScratchPool, shell } from "../support/platform.ts";
import { writeScript } from "../support/zfs-log.ts";

const TIMEOUT_MS = 60_000;
const ROOT = `${POOL}/ct/web01`;

// oxlint-disable-next-line typescript/no-explicit-any
type Document = Record<string, any>;

let pool: ScratchPool;
let archive: string;
const check = new DocumentCheck();

beforeAll(async () => {
  pool = await ScratchPool.create();
  archive = path.join(pool.directory, "web01.tar");
  await createContainer("web01", ["srv"]);
  await shell(
    `zfs set compression=off ${ROOT}/srv; head -c 300000 /dev/urandom > /${ROOT}/private/noise; echo hello > /${ROOT}/srv/private/hello`,
  );
}, TIMEOUT_MS);
afterAll(async () => await pool?.[Symbol.asyncDispose](), TIMEOUT_MS);

/** Runs a verb, whose document has to be as docs/json.md describes it. */
async function told(verb: string, exitCode: number, ...args: readonly string[]): Promise<Document> {
  const { code, stdout, stderr } = await ctar([verb, "--json", ...args]);
  expect([code, stderr]).toEqual([exitCode, expect.any(String)]);
  const document = JSON.parse(stdout) as Document;
  expect(check.problems(`ctar ${verb}`, document)).toEqual([]);
  return document;
}

test(
  "of an export that stops the container has the guids of the snapshots, and digests of what is in the archive",
  async () => {
    const guids = path.join(pool.directory, "guids");
    writeScript(path.join(pool.directory, "stop"), "true");
    writeScript(path.join(pool.directory, "start"), `zfs get -H -p -r -t snapshot -o name,value guid ${ROOT} > ${guids}`);
    const commands = ["stop", "start"].flatMap((name) => [`--${name}-command`, path.join(pool.directory, name)]);
    const { streams, stopped, format, bytes, datasets } = await told("export", 0, ...commands, "web01", archive);
    expect([stopped, format, bytes, datasets]).toEqual([true, "zfs", fs.statSync(archive).size, ["srv"]]);
    const guidOf = new Map(fs.readFileSync(guids, "utf8").trimEnd().split("\n").map((line) => line.split("\t") as [string, string])); // prettier-ignore
    expect(guidOf.size).toBe(4);
    for (const { member, dataset, kind, snapshot, toGuid, fromGuid, stored, raw } of streams as Document[]) {
      const name = dataset === "" ? ROOT : `${ROOT}/${dataset}`;
      expect([member, toGuid]).toEqual([member, guidOf.get(`${name}@${snapshot}`)]);
      const base = [...guidOf].find(([other]) => other.startsWith(`${name}@osctl-base-`))?.[1];
      expect([member, fromGuid]).toEqual([member, kind === "base" ? undefined : base]);
      const sum = async (filter: string): Promise<string> =>
        (await shell(`tar -xOf ${archive} ${member} | ${filter} | sha256sum`)).slice(0, 64);
      expect([member, await sum("cat"), await sum(member.endsWith(".gz") ? "gunzip" : "cat")]).toEqual([member, stored.sha256, raw.sha256]);
    }
    expect((streams as Document[]).map(({ kind, dataset }) => `${kind} ${dataset}`)).toEqual(["base ", "base srv", "incremental ", "incremental srv"]); // prettier-ignore
    const imported = await told("import", 0, "--as-id", "web02", "--as-user", "web01", archive);
    expect(imported).toMatchObject({ container: "web02", pool: POOL, user: "web01", dataset: `${POOL}/ct/web02`, checked: true, streams });
    expect(await shell(`zfs list -H -o name ${imported["dataset"]}/srv`)).toBe(`${POOL}/ct/web02/srv\n`);
    expect(await listTraces()).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "of a dry run says what ZFS estimates, and changes nothing",
  async () => {
    const { estimates, stopped } = await told("export", 0, "--dry-run", "web01");
    expect([stopped, (estimates as Document[]).map(({ dataset }) => dataset)]).toEqual([false, ["", "srv"]]);
    expect(estimates[0].bytes).toBeGreaterThan(300_000);
    const { dataset, dryRun } = await told("import", 0, "--dry-run", "--as-id", "web03", "--as-user", "web01", archive);
    expect([dryRun, dataset]).toEqual([true, `${POOL}/ct/web03`]);
    expect(await listTraces()).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "of a refusal says why in the words of zfs",
  async () => {
    const property = ["--zfs-property", "quota=much"];
    const { error } = await told("import", 13, "--as-id", "web04", "--as-user", "web01", ...property, archive);
    expect([error.code, error.exitCode, error.causes.length > 0]).toEqual(["zfs", 13, true]);
    expect(await listTraces()).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "has with these all keys that docs/json.md describes of zpools",
  async () => {
    await told("doctor", 0);
    expect(ZPOOL_KEYS.filter((key) => check.unseen().includes(key))).toEqual([]);
  },
  TIMEOUT_MS,
);
