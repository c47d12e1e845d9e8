import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { formatDuration, renderEvent, renderLine, renderLogLine, type Moment } from "../../../src/commands/telling/progress-line.ts";

const MIB = 2 ** 20;

function moment(changes: Partial<Moment> = {}): Moment {
  return {
    verb: "export",
    phase: "base",
    dataset: "srv",
    bytes: 1228.8 * MIB,
    total: 3481.6 * MIB,
    datasetBytes: 30 * MIB,
    datasetTotal: 40 * MIB,
    rate: 120 * MIB,
    elapsed: 12.3456,
    done: false,
    ...changes,
  };
}

describe("renderLine", () => {
  test.each([
    [99, "base srv: 30.0 MiB of 40.0 MiB; all: 1.2 GiB of 3.4 GiB, 35 %, 120.0 MiB/s, ETA 0:19"],
    [79, "base srv: 1.2 GiB of 3.4 GiB, 35 %, 120.0 MiB/s, ETA 0:19"],
    [39, "base srv: 35 %, 120.0 MiB/s, ETA 0:19"],
    [30, "base srv: 35 %, ETA 0:19"],
  ])("in %j columns shows what fits", (columns, line) => {
    expect(renderLine(moment(), columns)).toBe(line);
  });

  test("shortens a name rather than to leave out what matters", () => {
    const line = renderLine(moment({ phase: "incremental", dataset: "srv/data/of/somebody" }), 39);
    expect(line).toBe("incremental srv/data/o…: 35 %, ETA 0:19");
  });

  test.each<[string, Partial<Moment>, string]>([
    ["no total", { total: undefined, datasetTotal: undefined, datasetBytes: 1228.8 * MIB }, "base srv: 1.2 GiB, 120.0 MiB/s"],
    ["nothing that moves", { rate: 0 }, "base srv: 30.0 MiB of 40.0 MiB; all: 1.2 GiB of 3.4 GiB, 35 %, 0 B/s"],
    ["no rate yet", { rate: undefined }, "base srv: 30.0 MiB of 40.0 MiB; all: 1.2 GiB of 3.4 GiB, 35 %"],
    ["more than was expected", { bytes: 3481.6 * MIB }, "base srv: 30.0 MiB of 40.0 MiB; all: 3.4 GiB of 3.4 GiB, 99 %, 120.0 MiB/s"],
    ["an end out of sight", { rate: 1 }, "base srv: 30.0 MiB of 40.0 MiB; all: 1.2 GiB of 3.4 GiB, 35 %, 1 B/s"],
    ["nothing to do", { bytes: 0, total: 0, datasetBytes: 0, datasetTotal: 0 }, "base srv: 0 B of 0 B, 0 %, 120.0 MiB/s"],
    ["the end", { bytes: 3481.6 * MIB, done: true }, "base srv: 30.0 MiB of 40.0 MiB; all: 3.4 GiB of 3.4 GiB, 100 %, 120.0 MiB/s"],
    ["the root dataset", { dataset: "", total: undefined }, "base /: 30.0 MiB of 40.0 MiB; all: 1.2 GiB, 120.0 MiB/s"],
    ["no dataset", { phase: "layers", dataset: null, total: undefined, rate: 0 }, "layers: 30.0 MiB of 40.0 MiB; all: 1.2 GiB, 0 B/s"],
    [
      "a name from outside",
      { dataset: "a\u001b[2J\u00e9\n", total: undefined, rate: 0 },
      "base a?[2J??: 30.0 MiB of 40.0 MiB; all: 1.2 GiB, 0 B/s",
    ],
  ])("with %s says no more than is known", (_, changes, line) => {
    expect(renderLine(moment(changes), 200)).toBe(line);
  });

  test("never is wider than it may be, nor has what is no number", () => {
    const size = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const some = fc.record({
      phase: fc.constantFrom("base", "incremental", "import"),
      dataset: fc.option(fc.string({ unit: "binary" })),
      bytes: size,
      total: fc.option(size, { nil: undefined }),
      datasetBytes: size,
      datasetTotal: fc.option(size, { nil: undefined }),
      rate: fc.option(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), { nil: undefined }),
      done: fc.boolean(),
    });
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 150 }), (changes, columns) => {
        const line = renderLine(moment(changes), columns);
        expect([line.length <= columns, line]).toEqual([true, expect.stringMatching(/^[ -~…]+$/)]);
        expect(line).not.toMatch(/NaN|undefined|Infinity/);
      }),
    );
  });
});

describe("renderLogLine", () => {
  test("has the verb in front", () => {
    const line = "image import: layers: 1.2 GiB, 120.0 MiB/s";
    expect(renderLogLine(moment({ verb: "image import", phase: "layers", dataset: null, total: undefined, datasetBytes: 1228.8 * MIB, datasetTotal: undefined }))).toBe(line); // prettier-ignore
  });
});

describe("renderEvent", () => {
  test("has every key, null for what is not known", () => {
    expect(JSON.parse(renderEvent(moment({ bytes: 100, total: 301, datasetBytes: 10, datasetTotal: 20, rate: 99.7 })))).toEqual({
      event: "progress",
      verb: "export",
      phase: "base",
      dataset: "srv",
      bytes: 100,
      total: 301,
      datasetBytes: 10,
      datasetTotal: 20,
      rate: 100,
      eta: 3,
      elapsed: 12.346,
    });
    const unknown = moment({ dataset: null, bytes: 5, total: undefined, datasetBytes: 5, datasetTotal: undefined, rate: undefined });
    expect(JSON.parse(renderEvent(unknown))).toMatchObject({ dataset: null, total: null, datasetTotal: null, rate: 0, eta: null });
    expect(JSON.parse(renderEvent(moment({ done: true })))).toMatchObject({ eta: 0, done: true });
  });

  test("is one line, whatever a dataset is called", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (dataset) => {
        const line = renderEvent(moment({ dataset }));
        expect(line).not.toMatch(/[\n\r\u2028\u2029\u0080-\u009f]/);
        expect(JSON.parse(line)).toHaveProperty("dataset", dataset);
      }),
    );
  });
});

test.each([
  [0, "0:00"],
  [5.4, "0:05"],
  [59.6, "1:00"],
  [754, "12:34"],
  [3723, "1:02:03"],
  [360_000, "100:00:00"],
])("formatDuration of %j seconds is %j", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});
