import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { Progress } from "../../src/stream/progress.ts";
import { Rate } from "../../src/stream/rate.ts";

describe("Progress", () => {
  test("begins with nothing that it could tell", () => {
    expect(new Progress().look()).toEqual({
      phase: "prepare",
      dataset: null,
      bytes: 0,
      total: undefined,
      datasetBytes: 0,
      datasetTotal: undefined,
      done: false,
    });
  });

  test("of steps that were planned knows the whole, and corrects it by what each turned out to be", () => {
    const progress = new Progress();
    progress.plan([100, 50]);
    progress.begin({ phase: "base", dataset: "" });
    progress.bytes += 30;
    expect(progress.look()).toMatchObject({ phase: "base", dataset: "", bytes: 30, total: 150, datasetBytes: 30, datasetTotal: 100 });
    progress.bytes += 60;
    progress.begin({ phase: "base", dataset: "srv" });
    progress.bytes += 55;
    expect(progress.look()).toMatchObject({ dataset: "srv", bytes: 145, total: 145, datasetBytes: 55, datasetTotal: 55 });
    progress.plan([10]);
    expect(progress.look()).toMatchObject({ bytes: 145, total: 155 });
    progress.begin({ phase: "incremental", dataset: "" });
    expect(progress.look()).toMatchObject({ phase: "incremental", total: 155, datasetBytes: 0, datasetTotal: 10 });
    progress.finish();
    expect(progress.look()).toMatchObject({ bytes: 145, total: 145, done: true });
  });

  test("does not know the whole if it does not know one of the steps", () => {
    const progress = new Progress();
    progress.plan([100, undefined]);
    progress.begin({ phase: "base", dataset: "" });
    expect(progress.look()).toMatchObject({ total: undefined, datasetTotal: 100 });
    progress.begin({ phase: "base", dataset: "srv" });
    expect(progress.look()).toMatchObject({ total: undefined, datasetTotal: undefined });
  });

  test("counts datasets within a step, whose total they leave as it is", () => {
    const progress = new Progress();
    progress.begin({ phase: "import", total: 1000 });
    progress.update(new Uint8Array(20));
    progress.enter({ phase: "base", dataset: "srv", total: 400 });
    progress.update(new Uint8Array(150));
    expect(progress.look()).toMatchObject({ phase: "base", dataset: "srv", bytes: 170, total: 1000, datasetBytes: 150, datasetTotal: 400 });
  });

  test("asks who else moves bytes, and takes over what that was", async () => {
    const progress = new Progress();
    const moving = Promise.withResolvers<string>();
    let moved = 7;
    progress.bytes = 100;
    const followed = progress.follow(() => moved, moving.promise);
    expect(progress.look().bytes).toBe(107);
    moved = 12;
    expect(progress.look().bytes).toBe(112);
    moving.resolve("end");
    expect(await followed).toBe("end");
    moved = 0;
    expect(progress.look().bytes).toBe(112);
  });

  test("never has more than the total, nor a total that is less than the steps done", () => {
    const step = fc.record({ planned: fc.option(fc.nat(1000), { nil: undefined }), moved: fc.nat(1000) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1 }), (steps) => {
        const progress = new Progress();
        progress.plan(steps.map(({ planned }) => planned));
        for (const { moved } of steps) {
          progress.begin({ phase: "base" });
          progress.bytes += moved;
          const { bytes, total = bytes, datasetBytes, datasetTotal = datasetBytes } = progress.look();
          expect([total >= bytes, datasetTotal >= datasetBytes, datasetBytes]).toEqual([true, true, moved]);
        }
      }),
    );
  });
});

describe("Rate", () => {
  test("is the mean of the last seconds", () => {
    const rate = new Rate(1000);
    expect(rate.look(1100, 50)).toBeUndefined();
    expect(rate.look(2000, 500)).toBe(500);
    for (let second = 3; second <= 30; second++) rate.look(second * 1000, (second - 1) * 500);
    expect(rate.look(31_000, 29 * 500 + 1500)).toBeCloseTo(600, 5);
  });

  test("ends at nothing when nothing moves, and never is less", () => {
    const rate = new Rate(0);
    for (let second = 1; second <= 5; second++) rate.look(second * 1000, second * 100);
    expect(rate.look(14_000, 500)).toBeGreaterThan(0);
    expect(rate.look(26_000, 500)).toBe(0);
    expect(rate.look(27_000, 100)).toBe(0);
  });

  test("can be told by two looks that are far apart", () => {
    const rate = new Rate(0);
    expect(rate.look(60_000, 6000)).toBe(100);
    expect(rate.look(120_000, 18_000)).toBe(200);
  });
});
