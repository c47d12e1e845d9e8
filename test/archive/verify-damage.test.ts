/** Every cut and nearly every flipped bit of an archive is found, with its place. */
import { describe, expect, test } from "bun:test";
import type { Finding } from "../../src/stream/findings.ts";
import { flipped, meansNothing, numbers, placesOf, recordOffsets } from "../support/damage.ts";
import { exported, FORMS, STREAMS, verified, type Form } from "../support/verify.ts";

const TRIES = 1000;
const LIMIT_MS = 240_000;

function hasPlaces(findings: readonly Finding[], size: number): boolean {
  return findings.every(({ offset, problem }) => offset !== undefined && offset >= 0 && offset <= size && problem !== "");
}

describe.each(FORMS)("of an archive (%s)", (form: Form) => {
  test(
    "every cut is found, at records' beginnings and anywhere, and its place is named",
    async () => {
      const archive = await exported(form);
      expect((await verified(archive)).findings).toEqual([]);
      const records = form === "gzip" ? [] : recordOffsets(await placesOf(archive), STREAMS);
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
        const { findings } = await verified(flipped(archive, at, bit & 7), bit % 2 === 0 ? "file" : "pipe");
        if (findings.length === 0) expect([at, meansNothing(at, places)]).toEqual([at, true]);
        else expect(hasPlaces(findings, archive.length)).toBe(true);
        if (findings.length === 0) unseen += 1;
      }
      expect(unseen).toBeLessThan(TRIES / 20);
    },
    LIMIT_MS,
  );
});
