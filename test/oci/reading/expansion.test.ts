import { describe, expect, test } from "bun:test";
import { Expansion } from "../../../src/oci/reading/expansion.ts";
import { refusalOf } from "../../support/oci.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** What became of readings, told by blob, use, and bytes stored and of content. */
async function outcome(
  readings: readonly (readonly [blob: string, use: unknown, stored: number, content: number])[],
  whole?: Expansion,
): Promise<string> {
  const expansion = new Expansion(whole);
  return await refusalOf(() => {
    for (const [blob, use, stored, content] of readings) expansion.note(blob, use, { stored, content });
  });
}

describe("Expansion", () => {
  test.each([
    ["1 GiB of next to nothing", [["a", 1, 1, GIB]]],
    ["250 times of what is stored", [["a", 1, 8 * MIB, 2000 * MIB]]],
    ["1 GiB, read three times for the same", Array.from({ length: 3 }, () => ["a", 1, 1, GIB])],
    ["as much of two blobs as both together may become", [["a", 1, 8 * MIB, 8 * MIB], ["b", 2, 1, 1990 * MIB]]], // prettier-ignore
  ] as const)("lets %s pass", async (_, readings) => {
    expect(await outcome(readings as never)).toBe("accepted");
  });

  test.each([
    ["more than 1 GiB of next to nothing", [["a", 1, 1, GIB + 1]], 1],
    ["more than 250 times of what is stored", [["a", 1, 8 * MIB, 2000 * MIB + 1]], 8 * MIB],
    ["one blob that is needed three times", Array.from({ length: 3 }, (_, use) => ["a", use, MIB, 400 * MIB]), MIB],
    ["blobs that are too much together", [["a", 1, MIB, 600 * MIB], ["b", 2, MIB, 600 * MIB]], 2 * MIB], // prettier-ignore
  ] as const)("refuses %s", async (_, readings, stored) => {
    expect(await outcome(readings as never)).toContain(`what is stored in ${stored} bytes becomes more than 1 GiB and 250 times of that`);
  });

  test("counts a blob once for the whole, whichever parts read it", async () => {
    const whole = new Expansion();
    for (let image = 0; image < 5; image++) expect(await outcome([["a", 1, 1, GIB]], whole)).toBe("accepted");
    expect(await outcome([["b", 1, 1, MIB]], whole)).toContain('damaged: Cannot read "b": with it, ');
  });
});
