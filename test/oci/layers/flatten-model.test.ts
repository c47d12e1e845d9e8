import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ToolError } from "../../../src/errors.ts";
import type { EntrySketch } from "../../support/tar.ts";
import { flatFacts, layerOf, type FlatFacts } from "./flat-facts.ts";
import { acceptable, isRefused, modelFacts } from "./naive-model.ts";
import { arbitraryLayers } from "./random-layers.ts";

describe("flatten", () => {
  test("gives what a table of paths gives", async () => {
    const property = fc.asyncProperty(arbitraryLayers(), async (layers) => {
      const accepted = acceptable(layers);
      expect(await flattened(accepted)).toEqual(modelFacts(accepted));
    });
    await fc.assert(property, { numRuns: 1000 });
  });

  test("refuses what a table of paths refuses", async () => {
    const property = fc.asyncProperty(arbitraryLayers(), async (layers) => {
      expect((await flattened(layers)) === "refused").toBe(isRefused(layers));
    });
    await fc.assert(property, { numRuns: 1000 });
  });

  test("does not mind where in a layer an opaque mark stands", async () => {
    const property = fc.asyncProperty(arbitraryLayers(), fc.nat(), fc.nat(), async (all, from, to) => {
      // links bind to what is there, and other marks make directories, so for those the order counts
      const layers = all.map((layer) => layer.filter(({ typeflag }) => typeflag !== "1" && typeflag !== "2"));
      const last = layers.at(-1) ?? [];
      const opaque = last.findIndex(({ name }) => name.endsWith("/.wh..wh..opq"));
      fc.pre(opaque !== -1 && last.filter(({ name }) => name.includes(".wh.")).length === 1);
      const others = last.toSpliced(opaque, 1);
      const [one, other] = [from, to].map((at) => others.toSpliced(at % (others.length + 1), 0, last[opaque] as EntrySketch));
      const results = [await flattened([...layers.slice(0, -1), one ?? []]), await flattened([...layers.slice(0, -1), other ?? []])];
      fc.pre(!results.includes("refused"));
      expect(results[0]).toEqual(results[1] as FlatFacts);
    });
    await fc.assert(property, { numRuns: 500 });
  });
});

async function flattened(layers: readonly (readonly EntrySketch[])[]): Promise<FlatFacts | "refused"> {
  try {
    return await flatFacts(layers.map((sketches, index) => layerOf(`layer ${index}`, ...sketches)));
  } catch (error) {
    if (error instanceof ToolError && error.code === "damaged") return "refused";
    throw error;
  }
}
