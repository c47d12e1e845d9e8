import { describe, expect, test } from "bun:test";
import { Results } from "../../../src/commands/telling/results.ts";
import type { Failure } from "../../../src/sys/report.ts";
import { LossReport } from "../../../src/tree/loss.ts";

const FAILURE: Failure = { code: "busy", exitCode: 11, message: "Cannot do it", causes: [], also: [], hints: [], facts: { offset: 7n } };
const ERROR = { ...FAILURE, facts: { offset: "7" } };

function quiet(): Results {
  return new Results(() => undefined);
}

function documentOf(results: Results, failure?: Failure): unknown {
  return JSON.parse(results.render(failure)?.text ?? "null");
}

describe("Results", () => {
  test("print nothing for a verb that has no result and went well", () => {
    expect(quiet().render(undefined)).toBe(undefined);
  });

  test("print the result indented, on stdout", () => {
    const results = quiet();
    results.set({ whole: true });
    expect(results.render(undefined)).toEqual({ stream: "stdout", text: '{\n  "whole": true\n}\n' });
  });

  test("print an error alone on one line, as a verb that prints lines may have failed", () => {
    const { stream, text = "" } = quiet().render(FAILURE) ?? {};
    expect([stream, text.match(/\n/g)?.length]).toEqual(["stdout", 1]);
    expect(JSON.parse(text)).toEqual({ error: ERROR });
  });

  test("join an error to a result, but not to a list", () => {
    const results = quiet();
    results.set({ whole: false });
    expect(documentOf(results, FAILURE)).toEqual({ whole: false, error: ERROR });
    results.set([{ name: "a" }]);
    expect(documentOf(results, FAILURE)).toEqual([{ name: "a" }]);
  });

  test("are an event on one line of stderr when stdout has data", () => {
    const results = quiet();
    results.takeStdout();
    expect(documentOf(results, FAILURE)).toEqual({ event: "result", error: ERROR });
    results.set({ bytes: 1 });
    expect(results.render(undefined)).toEqual({ stream: "stderr", text: '{"event":"result","bytes":1}\n' });
  });

  test("escape what a terminal would act on", () => {
    const results = quiet();
    const name = "a\u001b[2J\u009b\u202eb";
    results.set({ name });
    const { text = "" } = results.render(undefined) ?? {};
    // oxlint-disable-next-line no-control-regex
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(JSON.parse(text)).toEqual({ name });
  });

  test("say to people and scripts what is told", () => {
    const lines: string[] = [];
    const results = new Results((line) => void lines.push(line));
    results.tell("warning", "a");
    results.tell("note", "b");
    results.tell("left out", "c");
    expect(lines).toEqual(["warning: a", "note: b", "left out: c"]);
    const losses = new LossReport();
    losses.add({ path: "./s", what: "socket", reason: "tar has no sockets" });
    const { tool, seconds, ...told } = results.common(losses);
    expect([tool.startsWith("ctar "), seconds >= 0 && seconds < 60]).toEqual([true, true]);
    expect(told).toEqual({ losses: losses.kinds, leftOut: ["c"], warnings: ["a"], notes: ["b"] });
  });
});
