import { describe, expect, test } from "bun:test";
import { report, summarize } from "../../scripts/junit-summary.ts";

/** As Bun 1.4.5 writes it, shortened. */
const BUN_XML = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="5" assertions="2" failures="2" skipped="2" time="0.03">
  <testsuite name="t/x.test.ts" file="t/x.test.ts" tests="5" failures="2" skipped="2" time="0.005" hostname="vm">
    <testsuite name="outer" file="t/x.test.ts" line="2" tests="4" failures="1" skipped="2" time="0" hostname="vm">
      <testcase name="ok" classname="outer" time="0.000049" file="t/x.test.ts" line="3" assertions="1" />
      <testcase name="bad &lt;&amp;&gt;" classname="outer" time="0.002" file="t/x.test.ts" line="4" assertions="1">
        <failure type="AssertionError" message="a&#10;&quot;b&quot;">AssertionError: a&#10;&quot;b&quot;&#10;      at t/x.test.ts:4:40&#10;</failure>
      </testcase>
      <testcase name="reads Psych (needs ruby)" classname="outer" time="0" file="t/x.test.ts" line="5" assertions="0">
        <skipped />
      </testcase>
      <testcase name="later" classname="outer" time="0" file="t/x.test.ts" line="7" assertions="0">
        <skipped message="TODO" />
      </testcase>
    </testsuite>
    <testcase name="top" classname="" time="0.00154" file="t/x.test.ts" line="9" assertions="0">
      <failure type="Error" message="boom">Error: boom</failure>
    </testcase>
  </testsuite>
</testsuites>
`;

/** As Deno 2.9.6 writes it, shortened. */
const DENO_XML = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="3" failures="1" errors="0" time="0.354">
    <testsuite name="./test/support/deno-bun-test.ts" tests="3" disabled="1" errors="0" failures="1">
        <testcase name="outer &gt; ok" classname="./test/support/deno-bun-test.ts" time="0.023" line="122" col="8">
        </testcase>
        <testcase name="outer &gt; (skipped: no ruby here) &gt; reads" classname="./test/support/deno-bun-test.ts" time="0.000">
            <skipped/>
        </testcase>
        <testcase name="bad" classname="./test/support/deno-bun-test.ts" time="0.003" line="122" col="8">
            <failure message="Uncaught Error: a

- b > c">Error: a

- b &gt; c</failure>
        </testcase>
    </testsuite>
</testsuites>`;

const PASSING_XML = '<testsuites><testsuite name="f"><testcase name="a" /></testsuite></testsuites>\n';

describe("summarize", () => {
  test("reads what Bun writes", () => {
    expect(summarize({ name: "bun", xml: BUN_XML, exitCode: 1 })).toEqual({
      passed: 1,
      failures: ['outer > bad <&> (t/x.test.ts)\nAssertionError: a\n"b"\n      at t/x.test.ts:4:40\n', "top (t/x.test.ts)\nError: boom"],
      skips: ["outer > reads Psych (needs ruby) (t/x.test.ts)", "outer > later (t/x.test.ts): TODO"],
    });
  });

  test("reads what Deno writes", () => {
    expect(summarize({ name: "deno", xml: DENO_XML, exitCode: 1 })).toEqual({
      passed: 1,
      failures: ["bad\nError: a\n\n- b > c"],
      skips: ["outer > (skipped: no ruby here) > reads"],
    });
  });

  test.each([
    ["no results", undefined, 0, "the runner left no results"],
    ["an empty file", "", 0, "the runner's results break off"],
    ["results that break off", PASSING_XML.slice(0, -15), 0, "the runner's results break off"],
    ["no test", "<testsuites></testsuites>", 0, "no test ran"],
    ["a runner that failed outside any test", PASSING_XML, 1, "the runner failed outside any test, see its output above"],
    ["a runner that did not end", PASSING_XML, undefined, "the runner did not end"],
    ["a skip without a reason", PASSING_XML.replace("/>", "><skipped /></testcase>"), 0, "a\nskipped, and its name does not say why"],
  ])("counts %s as a failure", (_name, xml, exitCode, failure) => {
    expect(summarize({ name: "x", xml, exitCode }).failures).toContain(failure);
  });
});

describe("report", () => {
  test("ends in the sum of all runs", () => {
    const { text, ok } = report([
      { name: "bun", xml: BUN_XML, exitCode: 1 },
      { name: "deno", xml: PASSING_XML, exitCode: 0 },
    ]);
    expect(text.split("\n").slice(-3)).toEqual([
      "bun: 1 passed, 2 failed, 2 skipped",
      "deno: 1 passed, 0 failed",
      "2 passed, 2 failed, 2 skipped",
    ]);
    expect(ok).toBe(false);
  });

  test("is well when every run is", () => {
    expect(report([{ name: "deno", xml: PASSING_XML, exitCode: 0 }])).toEqual({
      text: "deno: 1 passed, 0 failed\n1 passed, 0 failed",
      ok: true,
    });
  });

  test("is not well without any run", () => {
    expect(report([]).ok).toBe(false);
  });
});
