/**
 * Everything that a file can be, kept by ZFS in every way, sent by ZFS in every way: what ctar makes of the streams is what ZFS shows of the
 * last snapshot - in all combinations of compression, options of `zfs send`, and streams that start from another.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { POOL, ScratchPool, shell } from "../support/platform.ts";
import { runProgram } from "../support/program.ts";
import { BLOCKS, makeElephants, NAMES, SPARSE_FILE } from "../support/zoo/elephants.ts";
import { listSuccessors, makeZoo, ZOO } from "../support/zoo/keeper.ts";
import { COMPRESSIONS, FLAGS, SHAPES, SNAPSHOTS, type Flags, type Sending, type Shape } from "../support/zoo/streams.ts";
import { SAME, type Visit } from "../support/zoo/visitor.ts";
import { VisitorProcess, type VisitRequest } from "../support/zoo/visitor-process.ts";

const TIMEOUT_MS = 600_000;
/** 2.1 is what most run, and takes everything; of later releases it is enough to see that their streams are no different. */
const IS_NEW = !execFileSync("zfs", ["version"], { encoding: "utf8" }).startsWith("zfs-2.1");
const SKIPPED = IS_NEW ? " (skipped: takes long, and is no different from 2.1)" : "";
const NEW_FLAGS: readonly Flags[] = ["-Lec"];
const NEW_SHAPES: readonly Shape[] = ["package"];
/** What is extracted by the compiled program: one of each sort of streams. */
const BY_PROGRAM: ReadonlySet<string> = new Set([" full", "-Lec package", "-R full"]);
/** What a file of 4 TiB may take up when its holes are kept. */
const HOLES_BYTES = 256 * 1024 * 1024;
const COPIES = `${POOL}/copies`;

const started = performance.now();
const total = { comparisons: 0, files: 0 };
let pool: ScratchPool;
let visitors: VisitorProcess;

beforeAll(async () => {
  pool = await ScratchPool.create(3500);
  fs.mkdirSync(path.join(pool.directory, "mounted"));
  visitors = new VisitorProcess();
  await makeZoo(COMPRESSIONS);
  note("the zoo was made");
}, TIMEOUT_MS);

afterAll(async () => {
  note(`${total.comparisons} comparisons of ${total.files} files`);
  await visitors?.close();
  await pool?.[Symbol.asyncDispose]();
}, TIMEOUT_MS);

function note(what: string): void {
  console.warn(`zoo, ${((performance.now() - started) / 1000).toFixed(0)} s: ${what}`);
}

/** A dataset that is compared with what comes out of its streams. */
class Exhibit {
  readonly #files: number;
  readonly #streams: string;
  #copies = 0;

  private constructor(files: number, streams: string) {
    this.#files = files;
    this.#streams = streams;
  }

  /** Looks at the last snapshot as ZFS shows it, and makes a dataset for copies of it. */
  static async open(dataset: string): Promise<Exhibit> {
    await shell(`zfs create -o compression=off -o xattr=sa -o dnodesize=auto -o acltype=posixacl -o atime=off ${COPIES}`);
    const streams = fs.mkdtempSync(path.join(pool.directory, "streams-"));
    return new Exhibit(await mounted(`${dataset}@s3`, async (tree) => await visitors.open({ dataset, tree, streams })), streams);
  }

  /** The directory that the last copy is in. */
  get copy(): string {
    return `/${COPIES}/${this.#copies}`;
  }

  async compare(sending: Sending, by: VisitRequest["by"]): Promise<Visit> {
    this.#copies += 1;
    total.comparisons += 1;
    total.files += this.#files;
    return await visitors.visit({ sending, directory: this.copy, by });
  }

  async close(): Promise<void> {
    fs.rmSync(this.#streams, { recursive: true });
    await shell(`zfs destroy ${COPIES}`);
  }
}

async function mounted<T>(snapshot: string, look: (directory: string) => T | Promise<T>): Promise<T> {
  const directory = path.join(pool.directory, "mounted");
  await shell(`mount -t zfs -o ro ${snapshot} ${directory}`);
  try {
    return await look(directory);
  } finally {
    await shell(`umount ${directory}`);
  }
}

describe.each(COMPRESSIONS.map((compression) => [compression] as const))("verify, ls and extract of compression=%s", (compression) => {
  let exhibit: Exhibit;
  beforeAll(async () => {
    exhibit = await Exhibit.open(`${ZOO}/${compression}`);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await exhibit?.close();
    note(compression);
  }, TIMEOUT_MS);

  test.each((IS_NEW ? NEW_FLAGS : FLAGS).map((flags) => [flags]))(
    "zfs send %s: a full stream, a base and a difference, a base and a package of differences",
    async (flags) => {
      const visits: Record<string, Visit> = {};
      for (const shape of IS_NEW ? NEW_SHAPES : SHAPES) {
        visits[shape] = await exhibit.compare({ shape, flags }, BY_PROGRAM.has(`${flags} ${shape}`) ? "program" : "process");
      }
      expect(visits).toEqual(Object.fromEntries(Object.keys(visits).map((shape) => [shape, SAME])));
    },
    TIMEOUT_MS,
  );

  test.skipIf(IS_NEW)(
    `a base without options and a difference with all of them; streams that are gzipped${SKIPPED}`,
    async () => {
      expect(await exhibit.compare({ shape: "incremental", flags: "", laterFlags: "-Lec" }, "process")).toEqual(SAME);
      expect(await exhibit.compare({ shape: "package", flags: "-Lec", gzip: true }, "process")).toEqual(SAME);
    },
    TIMEOUT_MS,
  );
});

test("files of the zoo have object numbers that others of another type had", async () => {
  const rounds: Map<number, string>[] = [];
  for (const snapshot of SNAPSHOTS) rounds.push(await mounted(`${ZOO}/lz4@${snapshot}`, listSuccessors));
  const changed = rounds.map((round, index) => countChanged(round, rounds[index - 1] ?? round));
  expect(changed.map((count) => count > 3)).toEqual([false, true, true]);
});

/** How many objects have a type that is not the one they had. */
function countChanged(after: ReadonlyMap<number, string>, before: ReadonlyMap<number, string>): number {
  return [...after].filter(([object, type]) => (before.get(object) ?? type) !== type).length;
}

test("a stream that was sent raw is recognized and refused", async () => {
  const [dataset, file] = [`${POOL}/encrypted`, path.join(pool.directory, "raw.zfs")];
  await shell(`echo passphrase | zfs create -o encryption=aes-256-gcm -o keyformat=passphrase -o pbkdf2iters=100000 ${dataset}
    echo secret > /${dataset}/file; zfs snapshot ${dataset}@s; zfs send -w ${dataset}@s > ${file}`);
  const directory = path.join(pool.directory, "raw");
  const refused: readonly string[][] = [["ls", file], ["extract", file, "-C", directory]]; // prettier-ignore
  for (const words of refused) {
    const { exitCode, stdout, stderr } = await runProgram(...words);
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(`error: Cannot read files of "${dataset}@s": it is encrypted: sent raw`);
  }
  const { exitCode, stdout } = await runProgram("verify", file);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^encrypted +yes$/m);
});

describe.skipIf(IS_NEW)(`what is large${SKIPPED}`, () => {
  beforeAll(async () => {
    await makeElephants();
    note("elephants were made");
  }, TIMEOUT_MS);

  const sendings: readonly [Shape, Flags][] = [["full", ""], ["package", "-Lec"]]; // prettier-ignore
  test.each(sendings)(
    "blocks up to 16 MiB, and holes of many GiB: %s, zfs send %s",
    async (shape, flags) => {
      const exhibit = await Exhibit.open(BLOCKS);
      expect(await exhibit.compare({ shape, flags }, "program")).toEqual(SAME);
      await shell(`zpool sync ${POOL}`);
      expect(fs.statSync(path.join(exhibit.copy, SPARSE_FILE)).blocks * 512).toBeLessThan(HOLES_BYTES);
      await exhibit.close();
    },
    TIMEOUT_MS,
  );

  test(
    "a directory of 100,000 names, and one of 3,000 files of which a third went",
    async () => {
      const exhibit = await Exhibit.open(NAMES);
      expect(await exhibit.compare({ shape: "package", flags: "-Lec" }, "process")).toEqual(SAME);
      await exhibit.close();
    },
    TIMEOUT_MS,
  );
});
