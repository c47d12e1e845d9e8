/** Places of an archive where damage is tried, and what nobody could tell from it. */
import { BLOCK_BYTES, paddingOf } from "../../src/stream/tar/header.ts";
import type { SketchStream } from "./archive.ts";
import { readTar, nameOf } from "./tar.ts";
import { recordsIn } from "./stream-edit.ts";

const MANIFEST = "ctar/manifest.json";

/** An entry and where it stands. */
export interface Place {
  name: string;
  header: number;
  data: number;
  end: number;
  text: string;
}

/** Numbers that look random and are the same in each run. */
export function* numbers(below: number, count: number): Generator<number> {
  for (let state = 12_345, left = count; left > 0; left -= 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield Math.floor((state / 2 ** 32) * below);
  }
}

/** The entries of an archive. */
export async function placesOf(archive: Uint8Array): Promise<Place[]> {
  const { entries } = await readTar(archive, { isFile: true });
  return entries.map((read) => {
    const { headerOffset, dataOffset, size } = read.entry;
    return { name: nameOf(read), header: headerOffset, data: dataOffset, end: dataOffset + size, text: read.data.toString("latin1") };
  });
}

/** Where in the archive the records of its streams begin. */
export function recordOffsets(places: readonly Place[], streams: readonly (SketchStream & { bytes: Uint8Array })[]): number[] {
  const offsets: number[] = [];
  for (const { dataset, kind, bytes } of streams) {
    const pieces = places.filter(({ name }) => name === `rootfs/${dataset === "" ? "" : `${dataset}/`}${kind}.dat`);
    const starts = pieces.map((_, index) => pieces.slice(0, index).reduce((sum, { data, end }) => sum + end - data, 0));
    for (const { offset } of recordsIn(bytes)) {
      const index = starts.findLastIndex((start) => start <= offset);
      const piece = pieces[index];
      if (piece !== undefined) offsets.push(piece.data + offset - (starts[index] ?? 0));
    }
  }
  return offsets;
}

/** Whether nobody could tell that a byte was changed. */
export function meansNothing(at: number, places: readonly Place[]): boolean {
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

/** A copy with one bit changed. */
export function flipped(bytes: Uint8Array, at: number, bit = 0): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] as number) ^ (1 << bit);
  return changed;
}
