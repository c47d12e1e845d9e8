/** Every cut and nearly every flipped bit of an archive is found, with its place. */
import { describe, expect, test } from "bun:test";
import type { Finding } from "../../src/archive/verify-findings.ts";
import { BLOCK_BYTES, paddingOf } from "../../src/stream/tar/header.ts";
import { readTar, nameOf } from "../support/tar.ts";
import { exported, FORMS, STREAMS, verified, type Form } from "../support/verify.ts";
import { recordsOf } from "../support/zfs-stream.ts";

const TRIES = 1000;
const LIMIT_MS = 240_000;
const MANIFEST = "ctar/manifest.json";

/** An entry and where it stands. */
interface Place {
  name: string;
  header: number;
  data: number;
  end: number;
  text: string;
}

/** Numbers that look random and are the same in each run. */
function* numbers(below: number, count: number): Generator<number> {
  for (let state = 12_345, left = count; left > 0; left -= 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield Math.floor((state / 2 ** 32) * below);
  }
}

async function placesOf(archive: Uint8Array): Promise<Place[]> {
  const { entries } = await readTar(archive, { isFile: true });
  return entries.map((read) => {
    const { headerOffset, dataOffset, size } = read.entry;
    return { name: nameOf(read), header: headerOffset, data: dataOffset, end: dataOffset + size, text: read.data.toString("latin1") };
  });
}

/** Where in the archive the records of the streams begin. */
async function recordOffsets(places: readonly Place[]): Promise<number[]> {
  const offsets: number[] = [];
  for (const { dataset, kind, bytes } of STREAMS) {
    const pieces = places.filter(({ name }) => name === `rootfs/${dataset === "" ? "" : `${dataset}/`}${kind}.dat`);
    const starts = pieces.map((_, index) => pieces.slice(0, index).reduce((sum, { data, end }) => sum + end - data, 0));
    for (const { offset } of await recordsOf(bytes, { wantsPayload: () => false })) {
      const index = starts.findLastIndex((start) => start <= offset);
      const piece = pieces[index];
      if (piece !== undefined) offsets.push(piece.data + offset - (starts[index] ?? 0));
    }
  }
  return offsets;
}

/** Whether nobody could tell that a byte was changed. */
function meansNothing(at: number, places: readonly Place[]): boolean {
  const place = places.findLast(({ header }) => header <= at);
  if (place === undefined) return false;
  if (at >= place.end) return at < place.end + paddingOf(place.end - place.data);
  if (at < place.header + BLOCK_BYTES) return at >= place.header + 148 && at < place.header + 156; // spaces, NULs and zeros of the checksum
  if (place.name !== MANIFEST) return false;
  const said = ['"manifest": 1', '"tool": "ctar test"', '"quota": "1073741824"'];
  return said.some((words) => {
    const start = place.data + place.text.indexOf(words);
    return at >= start && at < start + words.length;
  });
}

function hasPlaces(findings: readonly Finding[], size: number): boolean {
  return findings.every(({ offset, problem }) => offset >= 0 && offset <= size && problem !== "");
}

describe.each(FORMS)("of an archive (%s)", (form: Form) => {
  test(
    "every cut is found, at records' beginnings and anywhere, and its place is named",
    async () => {
      const archive = await exported(form);
      expect((await verified(archive)).findings).toEqual([]);
      const records = form === "gzip" ? [] : await recordOffsets(await placesOf(archive));
      if (form !== "gzip") expect(records.length).toBeGreaterThan(300);
      for (const [index, cut] of [...records, ...numbers(archive.length, TRIES)].entries()) {
        const { findings } = await verified(archive.subarray(0, cut), index % 2 === 0 ? "file" : "pipe");
        expect([cut, findings.length > 0, findings.some(({ offset }) => offset === cut)]).toEqual([cut, true, true]);
      }
    },
    LIMIT_MS,
  );

  test(
    "flipped bits are found unless they mean nothing",
    async () => {
      const archive = await exported(form);
      const places = await placesOf(archive);
      let unseen = 0;
      for (const bit of numbers(archive.length * 8, TRIES)) {
        const at = bit >> 3;
        const flipped = Buffer.from(archive);
        flipped[at] = (flipped[at] as number) ^ (1 << (bit & 7));
        const { findings } = await verified(flipped, bit % 2 === 0 ? "file" : "pipe");
        if (findings.length === 0) expect([at, meansNothing(at, places)]).toEqual([at, true]);
        else expect(hasPlaces(findings, archive.length)).toBe(true);
        if (findings.length === 0) unseen += 1;
      }
      expect(unseen).toBeLessThan(TRIES / 20);
    },
    LIMIT_MS,
  );
});
