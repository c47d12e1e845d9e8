import { describe, expect, test } from "bun:test";
import { ToolError } from "../../src/errors.ts";
import { conclude, describeFailure, type ReportOptions } from "../../src/sys/report.ts";
import { ReaderGone } from "../../src/sys/terminal.ts";

const INTERRUPTED = new ToolError("interrupted", "Interrupted by SIGINT");
const ABORTED: ReportOptions = { abortReason: INTERRUPTED };
const FAILED = new ToolError("zfs", 'Cannot send "tank/a@b"', { hints: ["zfs list"] });

function bug(): TypeError {
  const error = new TypeError("x is not a function");
  error.stack = "TypeError: x is not a function\n    at one (a.ts:1:2)\n    at two (b.ts:3:4)";
  return error;
}

function stderrLines(count: number): string {
  return ["exit status 1", ...Array.from({ length: count }, (_, line) => `line ${line}`)].join("\n");
}

describe("conclude", () => {
  test.each<[string, unknown, ReportOptions, number, string]>([
    ["a message alone", new ToolError("failed", "Cannot do it"), {}, 1, "error: Cannot do it\n"],
    ["hints after a blank line", FAILED, {}, 13, 'error: Cannot send "tank/a@b"\n\nhint: zfs list\n'],
    [
      "causes, their lines indented, their hints below",
      new ToolError("damaged", "Cannot import", {
        cause: new ToolError("zfs", "two\nlines\n", { cause: "text", hints: ["b"] }),
        hints: ["a"],
      }),
      {},
      12,
      "error: Cannot import\nCaused by: two\n  lines\nCaused by: text\n\nhint: a\nhint: b\n",
    ],
    [
      "control characters escaped",
      new ToolError("failed", 'Cannot read "\u001b[2J\r\u202e\u009b"', { cause: new Error("a\tb") }),
      {},
      1,
      'error: Cannot read "\\x1b[2J\\r\\u202e\\x9b"\nCaused by: a\\tb\n',
    ],
    [
      "the class of a foreign cause",
      new ToolError("failed", "No", { cause: new RangeError("far") }),
      {},
      1,
      "error: No\nCaused by: RangeError: far\n",
    ],
    [
      "a bug with its stack",
      bug(),
      { program: "ctar 1" },
      70,
      "error: This is a bug in ctar: TypeError: x is not a function\n    at one (a.ts:1:2)\n    at two (b.ts:3:4)\n\n" +
        "hint: Please report this with the lines above, the command, and: ctar 1\n",
    ],
    [
      "a thrown value that is no error",
      "oops",
      { program: "ctar 1" },
      70,
      "error: This is a bug in ctar: oops\n\nhint: Please report this with the lines above, the command, and: ctar 1\n",
    ],
    ["nothing when the reader has gone", new ReaderGone("stdout"), {}, 1, ""],
    ["colours", FAILED, { colour: true }, 13, '\u001b[1;31merror:\u001b[0m Cannot send "tank/a@b"\n\n\u001b[36mhint:\u001b[0m zfs list\n'],
    ["an interruption", INTERRUPTED, ABORTED, 130, "error: Interrupted by SIGINT\n"],
    ["an abort error of somebody else", new DOMException("aborted", "AbortError"), ABORTED, 130, "error: Interrupted by SIGINT\n"],
    [
      "what went wrong while it was interrupted",
      FAILED,
      ABORTED,
      130,
      'error: Interrupted by SIGINT\nCaused by: Cannot send "tank/a@b"\n\nhint: zfs list\n',
    ],
    [
      "a failed clean-up after the failure",
      new SuppressedError(new ToolError("busy", "Cannot start it", { hints: ["start it"] }), FAILED),
      {},
      13,
      'error: Cannot send "tank/a@b"\nerror: Cannot start it\n\nhint: zfs list\nhint: start it\n',
    ],
    [
      "a failed clean-up after an interruption",
      new SuppressedError(new ToolError("busy", "Cannot start it"), INTERRUPTED),
      ABORTED,
      130,
      "error: Interrupted by SIGINT\nerror: Cannot start it\n",
    ],
    [
      "several errors, the first decides",
      new AggregateError([new ToolError("busy", "One"), new ToolError("failed", "Two")]),
      {},
      11,
      "error: One\nerror: Two\n",
    ],
  ])("shows %s", (_, error, options, exitCode, text) => {
    expect(conclude(error, options)).toEqual({ exitCode, text });
  });

  test("shows the end of a long cause, all of it with verbose", () => {
    const error = new ToolError("zfs", "No", { cause: stderrLines(25) });
    const lines = conclude(error).text.split("\n");
    expect(lines.slice(0, 4)).toEqual(["error: No", "Caused by: exit status 1", "  … 5 lines left out", "  line 5"]);
    expect(lines.at(-2)).toBe("  line 24");
    expect(conclude(error, { verbose: true }).text).toContain("  line 0\n  line 1\n");
  });

  test("shows stacks of causes with verbose", () => {
    const error = new ToolError("failed", "No", { cause: bug() });
    expect(conclude(error).text).not.toContain("at one");
    expect(conclude(error, { verbose: true }).text).toContain("Caused by: TypeError: x is not a function\n    at one (a.ts:1:2)\n");
  });

  test("ends on causes that go round", () => {
    const error = new Error("a", { cause: new Error("b") });
    (error.cause as Error).cause = error;
    expect(conclude(error).text.match(/Caused by/g)?.length).toBe(10);
  });
});

describe("describeFailure", () => {
  const nothing = { causes: [], also: [], hints: [], facts: {} };

  test("says what conclude says, in parts", () => {
    const facts = { path: "/a", offset: 7n, expected: { bytes: 1 }, argv: ["zfs", "list"] };
    const cause = new ToolError("zfs", "two\nlines", { cause: "text", hints: ["b"] });
    const error = new ToolError("damaged", "Cannot import", { cause, hints: ["a", "b"], facts });
    const told = { code: "damaged", exitCode: 12, message: "Cannot import", causes: ["two\nlines", "text"], hints: ["a", "b"], facts };
    expect(describeFailure(error)).toEqual({ ...told, also: [] } as ReturnType<typeof describeFailure>);
  });

  test("tells failures of cleaning up apart, and takes their hints", () => {
    const both = new SuppressedError(new ToolError("busy", "Cannot start it", { hints: ["start it"] }), FAILED);
    const told = {
      code: "zfs",
      exitCode: 13,
      message: FAILED.message,
      also: ["Cannot start it"],
      hints: ["zfs list", "start it"],
    } as const;
    expect(describeFailure(both)).toEqual({ ...nothing, ...told });
  });

  test("says that a run was interrupted, whatever came of that", () => {
    const told = { code: "interrupted", exitCode: 130, message: "Interrupted by SIGINT" } as const;
    expect(describeFailure(INTERRUPTED, ABORTED)).toEqual({ ...nothing, ...told });
    expect(describeFailure(FAILED, ABORTED)).toEqual({ ...nothing, ...told, causes: [FAILED.message], hints: ["zfs list"] });
  });

  test("says that a bug is one", () => {
    const { code, exitCode, message, hints } = describeFailure(bug(), { program: "ctar 1" });
    expect([code, exitCode, message]).toEqual(["bug", 70, "TypeError: x is not a function"]);
    expect(hints).toEqual(["Please report this with the lines above, the command, and: ctar 1"]);
  });

  test("leaves out facts that JSON cannot hold, or not well", () => {
    const round: Record<string, unknown> = {};
    round["self"] = round;
    const error = new ToolError("failed", "No", { facts: { round, bytes: new Uint8Array(9), call: () => 1, path: "/a" } });
    expect(describeFailure(error).facts).toEqual({ path: "/a" });
  });
});
