/** `ctar import` of cut and changed archives on real OpenZFS: refused wherever the damage is, and nothing of it stays on the pool. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { flipped, placesOf, type Place } from "../support/damage.ts";
import { joinPlainTar, readPlainTar } from "../support/plain-tar.ts";
import { ctar } from "../support/platform.ts";
import { Scene } from "../support/scene.ts";
import { recordsIn, resealed } from "../support/stream-edit.ts";

const TIMEOUT_MS = 60_000;
const HEADER_BYTES = 512;
const MANIFEST = "ctar/manifest.json";
const BASE = "rootfs/base.dat";
const SRV = "rootfs/srv/base.dat";
const INCREMENT = "rootfs/srv/incremental.dat";

/** An archive and where its members are. */
interface Sample {
  bytes: Buffer;
  places: readonly Place[];
}

let scene: Scene;
let before: string[];
let plain: Sample;
let gzip: Sample;

beforeAll(async () => {
  scene = await Scene.create();
  before = await scene.inventory();
  plain = await sampleOf(fs.readFileSync(scene.archive));
  gzip = await sampleOf(await gzipped());
}, TIMEOUT_MS);

afterAll(async () => await scene?.[Symbol.asyncDispose](), TIMEOUT_MS);

async function sampleOf(bytes: Buffer): Promise<Sample> {
  return { bytes, places: await placesOf(bytes) };
}

/** An archive of container "web01" as a pipe brings it, its streams gzipped. */
async function gzipped(): Promise<Buffer> {
  const file = path.join(scene.pool.directory, "gzip.tar");
  const { code, stderr } = await ctar(["export", "--no-consistent", "--compression", "gzip", "web01", file]);
  if (code !== 0) throw new Error(stderr);
  return fs.readFileSync(file);
}

function placeOf({ places }: Sample, name: string): Place {
  const place = places.find((one) => one.name === name);
  if (place === undefined) throw new Error(`no member ${name}`);
  return place;
}

/** Imports from a file or a pipe, and expects that it is refused and nothing stays. */
async function expectRefused(archive: Uint8Array, from: "file" | "pipe", reason: RegExp): Promise<void> {
  const file = path.join(scene.pool.directory, "damaged.tar");
  fs.writeFileSync(file, archive);
  const args = ["import", "--as-id", "copy", "--as-user", "web01", "--missing-devices", "provide"];
  const { code, stdout, stderr } = await ctar([...args, from === "file" ? file : "-"], from === "file" ? {} : { input: archive });
  expect([code, stdout, stderr]).toEqual([12, "", expect.stringMatching(reason)]);
  expect(await scene.inventory()).toEqual(before);
}

type Damage = [what: string, from: "file" | "pipe", damage: () => Uint8Array, reason: RegExp];

describe("an archive is refused that is", () => {
  const cutAt = (at: () => number): (() => Uint8Array) => {
    return () => plain.bytes.subarray(0, at());
  };
  const atRecord = (member: string, index: number): number => {
    const { data, end } = placeOf(plain, member);
    return data + (recordsIn(plain.bytes.subarray(data, end)).at(index)?.offset ?? 0);
  };
  test.each<Damage>([
    ["cut at a record of its first stream", "pipe", cutAt(() => atRecord(BASE, 20)), /cut off|ends/],
    ["cut in front of an END record", "pipe", cutAt(() => atRecord(SRV, -1)), /cut off|ends/],
    ["cut within a stream, a file", "file", cutAt(() => placeOf(plain, SRV).data + 5000), /cut off|ends/],
    ["cut in front of snapshots.yml", "pipe", cutAt(() => placeOf(plain, "snapshots.yml").header), /"snapshots.yml"/],
    ["cut in front of its end blocks", "pipe", cutAt(() => plain.bytes.length - 1024), /the end blocks are missing/],
  ])("%s (%s)", async (_what, from, damage, reason) => await expectRefused(damage(), from, reason), TIMEOUT_MS);
});

describe("an archive is refused that has a changed byte in", () => {
  const flip = (sample: () => Sample, at: (sample: Sample) => number): (() => Uint8Array) => {
    return () => flipped(sample().bytes, at(sample()));
  };
  const inPlain = (name: string, at: (place: Place) => number): (() => Uint8Array) =>
    flip(
      () => plain,
      (sample) => at(placeOf(sample, name)),
    );
  const inGzip = (name: string, at: (place: Place) => number): (() => Uint8Array) =>
    flip(
      () => gzip,
      (sample) => at(placeOf(sample, name)),
    );
  test.each<Damage>([
    ["a tar header", "pipe", inPlain(SRV, ({ header }) => header + 130), /checksum/],
    ["a payload", "file", inPlain(BASE, ({ data, end }) => Math.floor((data + end) / 2)), /"rootfs\/base.dat"/],
    ["the END of an incremental stream", "pipe", inPlain(INCREMENT, ({ end }) => end - 312 + 10), /"rootfs\/srv\/incremental.dat"/],
    ["config/container.yml", "file", inPlain("config/container.yml", ({ data }) => data + 60), /"config\/container.yml"/],
    ["a checksum of the manifest", "pipe", inPlain(MANIFEST, ({ data, text }) => data + text.lastIndexOf('"sha256": "') + 12), /manifest/],
    ["a gzip body", "pipe", inGzip(`${BASE}.gz`, ({ data, end }) => Math.floor((data + end) / 2)), /"rootfs\/base.dat.gz"/],
    ["a gzip trailer", "file", inGzip(`${SRV}.gz`, ({ end }) => end - 3), /"rootfs\/srv\/base.dat.gz"/],
  ])("%s (%s)", async (_what, from, damage, reason) => await expectRefused(damage(), from, reason), TIMEOUT_MS);
});

describe("a stream whose checksums are right, but not its sense, is not given to zfs:", () => {
  test.each<[what: string, kind: string, at: number, value: bigint, reason: RegExp]>([
    ["an object number of 2^48", "object", 8, 2n ** 48n, /OBJECT record of object 281474976710656/],
    ["a free whose end overflows", "free", 24, 2n ** 64n - 2n, /FREE record/],
  ])(
    "%s",
    async (_what, kind, at, value, reason) => {
      const members = readPlainTar(plain.bytes).filter(({ name }) => name !== MANIFEST);
      const srv = members.find(({ name }) => name === SRV);
      if (srv === undefined) throw new Error("no stream");
      const stream = Buffer.from(srv.content);
      stream.writeBigUInt64LE(value, (recordsIn(stream).findLast((record) => record.kind === kind)?.offset ?? 0) + at);
      srv.blocks = Buffer.concat([
        srv.blocks.subarray(0, HEADER_BYTES),
        resealed(stream),
        srv.blocks.subarray(HEADER_BYTES + stream.length),
      ]);
      await expectRefused(joinPlainTar(members), "pipe", reason);
    },
    TIMEOUT_MS,
  );
});
