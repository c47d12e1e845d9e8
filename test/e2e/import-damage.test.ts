/** `ctar import` of a cut or changed archive, where there is no ZFS: it is refused wherever the damage is, and nothing is left. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import type { ToolError } from "../../src/errors.ts";
import { flipped, meansNothing, numbers, placesOf, recordOffsets, type Place } from "../support/damage.ts";
import { DirPoolScene } from "../support/dir-pool.ts";
import { importInto } from "../support/import-run.ts";
import { fixtureStream } from "../support/stream-tree.ts";
import { recordsIn, resealed, underPrivate } from "../support/stream-edit.ts";
import { exported, FORMS, type Form } from "../support/verify.ts";

const LIMIT_MS = 240_000;
const TRIES = 1000;
const HEADER_BYTES = 512;
const GZIP_TRAILER_BYTES = 8;
const RECORD_BYTES = 312;
const STREAMS = [
  { dataset: "", kind: "base", bytes: underPrivate("p.full.s1") },
  { dataset: "srv", kind: "base", bytes: underPrivate("zstd.full-ec.s1") },
  { dataset: "", kind: "incremental", bytes: fixtureStream("p.incr-I.s1-s3") },
] as const;

let scene: DirPoolScene;
let before: string[] = [];

beforeAll(async () => {
  scene = await DirPoolScene.create();
  before = scene.inventory();
});
afterAll(() => scene[Symbol.dispose]());

/** Imports, and expects that nothing is left unless it went well; then it is removed. */
async function attempt(archive: Uint8Array, from: "file" | "pipe"): Promise<ToolError | undefined> {
  const error = await importInto({ directory: scene.root, id: "copy", user: "web01", from }, archive);
  if (error === undefined) scene.removeContainer("copy");
  expect(scene.inventory()).toEqual(before);
  return error;
}

/** Bytes of every region of an archive. */
function regions(places: readonly Place[], form: Form): Map<string, number> {
  const named = (name: string): Place => places.find((place) => place.name === name) as Place;
  const stream = named(form === "gzip" ? "rootfs/srv/base.dat.gz" : "rootfs/srv/base.dat");
  const last = places.findLast(({ name }) => name === stream.name) as Place;
  const texts = ["metadata.yml", "config/user.yml", "config/group.yml", "config/container.yml", "hooks/pre-start", "snapshots.yml"];
  const manifest = named("ctar/manifest.json");
  const words = ['"sha256"', '"pieces": ', '"kind": ', '"container": ', '"datasets"', '"dataset": "srv'];
  const inStream: [string, number][] =
    form === "gzip"
      ? [
          ["gzip header", stream.data + 1],
          ["gzip body", Math.floor((stream.data + stream.end) / 2)],
          ["gzip trailer", last.end - GZIP_TRAILER_BYTES],
        ]
      : [
          ["BEGIN", stream.data + 40],
          ["a record", stream.data + (recordsIn(STREAMS[1].bytes)[1]?.offset ?? 0) + 8],
          ["a payload", stream.data + (recordsIn(STREAMS[1].bytes).find(({ kind }) => kind === "write")?.payloadOffset ?? 0) + 3],
          ["END", last.end - RECORD_BYTES + 8],
        ];
  return new Map([
    ["a header's name", stream.header + 1],
    ["a header's size", stream.header + 130],
    ["a header's type", stream.header + 156],
    ...texts.map((name): [string, number] => [name, named(name).data + 5]),
    ...inStream,
    ...words.map((word): [string, number] => [`manifest, ${word}`, manifest.data + manifest.text.indexOf(word) + word.length - 1]),
    ["first end block", manifest.end + (-manifest.end & (HEADER_BYTES - 1)) + 100],
  ]);
}

describe.each(FORMS)("an archive (%s)", (form) => {
  test(
    "is imported whole, but not cut: at no record, nor anywhere",
    async () => {
      const archive = await exported(form, STREAMS);
      const places = await placesOf(archive);
      expect([await attempt(archive, "file"), await attempt(archive, "pipe")]).toEqual([undefined, undefined]);
      const records = form === "gzip" ? [] : recordOffsets(places, STREAMS);
      if (form !== "gzip") expect(records.length).toBeGreaterThan(300);
      const manifest = places.at(-1)?.header ?? 0;
      const last = Array.from({ length: 20 }, (_, index) => archive.length - 1 - index * 97);
      for (const [index, cut] of [...records, ...last, ...numbers(archive.length, TRIES)].entries()) {
        const error = await attempt(archive.subarray(0, cut), index % 4 === 0 ? "file" : "pipe");
        if (cut !== manifest) expect([cut, error?.exitCode]).toEqual([cut, 12]);
      }
    },
    LIMIT_MS,
  );

  test(
    "is refused with a changed byte in any of its regions",
    async () => {
      const archive = await exported(form, STREAMS);
      for (const [what, at] of regions(await placesOf(archive), form)) {
        const fromFile = await attempt(flipped(archive, at), "file");
        const fromPipe = await attempt(flipped(archive, at), "pipe");
        expect([what, fromFile?.exitCode, typeof fromPipe?.exitCode]).toEqual([what, 12, "number"]);
      }
    },
    LIMIT_MS,
  );

  test(
    "is refused with a flipped bit anywhere, unless that means nothing",
    async () => {
      const archive = await exported(form, STREAMS);
      const places = await placesOf(archive);
      let unseen = 0;
      for (const [index, bit] of [...numbers(archive.length * 8, TRIES)].entries()) {
        const at = bit >> 3;
        const from = index % 2 === 0 ? "file" : "pipe";
        const error = await attempt(flipped(archive, at, bit & 7), from);
        if (from === "file" && error !== undefined) expect([at, error.exitCode]).toEqual([at, 12]);
        if (error !== undefined) continue;
        expect([at, meansNothing(at, places)]).toEqual([at, true]);
        unseen += 1;
      }
      expect(unseen).toBeLessThan(TRIES / 20);
    },
    LIMIT_MS,
  );
});

describe("a stream whose checksums are right, but not its sense,", () => {
  type Change = (stream: Buffer) => void;
  const setIn = (kind: string, at: number, value: bigint): Change => {
    return (stream) => stream.writeBigUInt64LE(value, (recordsIn(stream).find((record) => record.kind === kind)?.offset ?? 0) + at);
  };
  test.each<[what: string, change: Change]>([
    ["an object number of 2^48", setIn("object", 8, 2n ** 48n)],
    ["a write whose end overflows", setIn("write", 24, 2n ** 64n - 512n)],
    ["a record of another stream", setIn("write", 40, 77n)],
    ["a free whose end overflows", setIn("free", 24, 2n ** 64n - 2n)],
  ])("%s, is refused", async (_what, change) => {
    const bytes = underPrivate("p.full.s1");
    change(bytes);
    const archive = await exported("piped", [{ dataset: "", kind: "base", bytes: resealed(bytes) }, ...STREAMS.slice(1)]);
    expect((await attempt(archive, "pipe"))?.exitCode).toBe(12);
    expect((await attempt(archive, "file"))?.exitCode).toBe(12);
  });
});

describe("the program", () => {
  test.each<[what: string, form: Form, damage: (archive: Buffer, places: readonly Place[]) => Uint8Array]>([
    ["cut in its last stream", "piped", (archive, places) => archive.subarray(0, (places.at(-3)?.data ?? 0) + 1000)],
    ["cut in its end blocks", "file", (archive) => archive.subarray(0, -600)],
    ["with a flipped bit in a payload", "file", (archive, places) => flipped(archive, regions(places, "file").get("a payload") as number)],
    ["with a flipped bit in gzip", "gzip", (archive, places) => flipped(archive, regions(places, "gzip").get("gzip body") as number)],
  ])(
    "refuses an archive %s (%s) with exit code 12, from a file and a pipe",
    async (_what, form, damage) => {
      const archive = await exported(form, STREAMS);
      const file = scene.file("damaged.tar");
      fs.writeFileSync(file, damage(archive, await placesOf(archive)));
      const args = ["--as-id", "copy", "--as-user", "web01", "--as-group", "/default"];
      const fd = fs.openSync(file, "r");
      const results = [
        await scene.run("import", [...args, file]),
        await scene.run("import", [...args, "-"], { stdio: [fd, "pipe", "pipe"] }),
      ];
      fs.closeSync(fd);
      for (const { exitCode, stderr } of results) expect([exitCode, stderr]).toEqual([12, expect.stringMatching(/^error: Cannot /m)]);
      expect(scene.inventory()).toEqual(before);
      fs.rmSync(file);
    },
    LIMIT_MS,
  );
});
