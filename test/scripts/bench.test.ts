import { describe, expect, test } from "bun:test";
import { parseOptions } from "../../scripts/bench/options.ts";
import { parseBusySeconds } from "../../scripts/bench/processors.ts";
import { updateSections } from "../../scripts/bench/report.ts";
import { disturbance, judge, spreadOf, type Claim, type Sample } from "../../scripts/bench/statistics.ts";
import { latencyTable, pipelineTable, sizesTable, verdictTable } from "../../scripts/bench/table.ts";

const MIB = 1024 * 1024;

function sample(wallSeconds: number, others: Partial<Sample> = {}): Sample {
  return { wallSeconds, cpuSeconds: 1, othersSeconds: 0, peakBytes: 0, outputBytes: 0, ...others };
}

describe("parseOptions", () => {
  test("without options measures everything five times with 1 GiB", () => {
    const options = parseOptions([], {});
    expect(options).toMatchObject({ only: undefined, rounds: 5, mebibytes: 1024, sizes: [], update: false, list: false });
  });

  test("--quick lowers size and rounds, unless they are given", () => {
    expect(parseOptions(["--quick"], {})).toMatchObject({ rounds: 1, mebibytes: 64 });
    expect(parseOptions(["--quick", "--size", "8", "--rounds", "3"], {})).toMatchObject({ rounds: 3, mebibytes: 8 });
  });

  test("reads lists, patterns and directories, these from the environment too", () => {
    const options = parseOptions(["--sizes", "1,4", "--only", "^export", "--data", "/a"], {
      CTAR_BENCH_DATA: "/b",
      CTAR_BENCH_SCRATCH: "/c",
    });
    expect(options).toMatchObject({ sizes: [1, 4], only: /^export/, data: "/a", scratch: "/c" });
  });

  test.each(["--rounds 0", "--size -1", "--size 1G", "--sizes 1,,4", "--only (", "--what"])("refuses %s", (line) => {
    expect(() => parseOptions(line.split(" "), {})).toThrow();
  });
});

describe("spreadOf", () => {
  test.each([
    { numbers: [3], median: 3, least: 3, most: 3 },
    { numbers: [10, 9, 1], median: 9, least: 1, most: 10 },
    { numbers: [4, 1, 2, 30], median: 3, least: 1, most: 30 },
  ])("of $numbers has its middle at $median", ({ numbers, ...spread }) => {
    expect(spreadOf(numbers)).toEqual(spread);
  });
});

describe("judge", () => {
  const samples = new Map([
    ["ours", [sample(1, { outputBytes: 90 }), sample(2, { outputBytes: 90 }), sample(9, { outputBytes: 90 })]],
    ["theirs", [sample(8, { outputBytes: 100 }), sample(4, { outputBytes: 100 }), sample(5, { outputBytes: 100 })]],
  ]);
  const claims: [Omit<Claim, "ours" | "theirs">, ratio: number, holds: boolean][] = [
    [{ quantity: "speed", atLeast: 2.5 }, 2.5, true],
    [{ quantity: "speed", atLeast: 2.6 }, 2.5, false],
    [{ quantity: "time", atMost: 0.4 }, 0.4, true],
    [{ quantity: "time", atMost: 0.3 }, 0.4, false],
    [{ quantity: "size", atMost: 0.9 }, 0.9, true],
  ];

  test.each(claims)("compares medians: %j gives %d, holds: %j", (claim, ratio, holds) => {
    expect(judge({ ours: "ours", theirs: "theirs", ...claim }, samples)).toMatchObject({ ratio, holds });
  });

  test("says nothing of a pipeline that was not run", () => {
    expect(judge({ ours: "ours", theirs: "absent", quantity: "time", atMost: 1 }, samples)).toBe(undefined);
  });
});

test("disturbance is the worst run's share of all processors", () => {
  expect(disturbance([sample(2, { othersSeconds: 1 }), sample(10, { othersSeconds: 1 })], 2)).toBe(0.25);
  expect(disturbance([], 2)).toBe(0);
});

test("parseBusySeconds counts all but waiting, and guests once", () => {
  // user nice system idle iowait irq softirq steal guest guest_nice
  expect(parseBusySeconds("cpu  100 20 300 9000 8000 40 50 600 70 80\ncpu0 1 1 1 1 1 1 1 1 1 1\n")).toBe(11.1);
});

describe("tables", () => {
  const runs = [
    sample(2, { cpuSeconds: 3, peakBytes: 5e6, outputBytes: MIB }),
    sample(4, { cpuSeconds: 3, peakBytes: 7e6, outputBytes: MIB }),
  ];

  test("pipelineTable gives median and ends, throughput, and the highest peak; a bar in a name does not end its cell", () => {
    const rows = pipelineTable({ streamBytes: 300 * MIB, samples: new Map([["a | b", runs]]) }).split("\n");
    expect(rows.at(-1)).toBe("| a \\| b | 3.00 (2.00 – 4.00) | 100 | 3.00 | 7 | 1.0 |");
  });

  test("sizesTable gives times per GiB", () => {
    const results = { streamBytes: 4096 * MIB, samples: new Map([["export", [sample(8, { cpuSeconds: 2 })]]]) };
    expect(
      sizesTable(new Map([[4, results]]))
        .split("\n")
        .at(-1),
    ).toBe("| export | 4 | 8.00 | 2.00 | 0.50 |  |");
  });

  test("verdictTable makes a claim that does not hold stand out", () => {
    const claim: Claim = { ours: "ctar", theirs: "pigz", quantity: "speed", atLeast: 3 };
    expect(verdictTable([{ claim, ratio: 2.5, holds: false }])).toContain(
      "| speed of ctar / pigz | 2.500 | at least 3 | **does not hold** |",
    );
    expect(verdictTable([])).toBe("");
  });

  test("latencyTable holds the median against the limit", () => {
    const table = latencyTable(new Map([["ctar", { milliseconds: [9, 10, 50], atMost: 10 }]]));
    expect(table.split("\n").at(-1)).toBe("| ctar | 10.0 (9.0 – 50.0) | at most 10 | holds |");
  });
});

describe("updateSections", () => {
  const text = "# Title\n\n<!-- bench a -->\n\nold\n\n<!-- /bench a -->\n\nby hand\n";

  test("replaces what is between the marks and nothing else", () => {
    expect(updateSections(text, new Map([["a", "new"]]))).toBe(text.replace("old", "new"));
  });

  test("appends a section that is not there, and finds it the next time", () => {
    const appended = updateSections(text, new Map([["b", "first"]]));
    expect(appended).toBe(`${text}\n<!-- bench b -->\n\nfirst\n\n<!-- /bench b -->\n`);
    expect(updateSections(appended, new Map([["b", "second"]]))).toBe(appended.replace("first", "second"));
  });

  test("takes content that looks like a replacement pattern as it is", () => {
    expect(updateSections(text, new Map([["a", "$& $1"]]))).toBe(text.replace("old", () => "$& $1"));
  });

  test("refuses a section that does not end", () => {
    expect(() => updateSections("<!-- bench a -->\n", new Map([["a", "new"]]))).toThrow(/only one of its two marks/);
  });
});
