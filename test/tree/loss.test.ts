import { describe, expect, test } from "bun:test";
import { LossReport } from "../../src/tree/loss.ts";

describe("LossReport", () => {
  test("is empty until something is lost", () => {
    const report = new LossReport();
    expect([report.isEmpty, report.summary()]).toEqual([true, ""]);
    report.add({ path: "./s", what: "socket", reason: "tar has no sockets" });
    expect(report.isEmpty).toBe(false);
  });

  test("says of each kind how many, and names the first", () => {
    const report = new LossReport();
    for (const path of ["./a", "./b", "./c", "./d", "./e"]) report.add({ path, what: "owner", reason: "operation not permitted" });
    report.add({ path: "./s", what: "socket", reason: "tar has no sockets" });
    expect(report.summary().split("\n")).toEqual([
      "warning: owner: operation not permitted: ./a, ./b, ./c, and 2 more",
      "warning: socket: tar has no sockets: ./s",
    ]);
  });

  test("says the same to scripts", () => {
    const report = new LossReport();
    for (const path of ["./a", "./b", "./c", "./d"]) report.add({ path, what: "owner", reason: "operation not permitted" });
    report.add({ path: "./s", what: "socket", reason: "tar has no sockets" });
    expect(report.kinds).toEqual([
      { what: "owner", reason: "operation not permitted", count: 4, examples: ["./a", "./b", "./c"] },
      { what: "socket", reason: "tar has no sockets", count: 1, examples: ["./s"] },
    ]);
  });

  test("bounds the kinds it tells apart, as names of attributes come from outside", () => {
    const report = new LossReport();
    for (let index = 0; index < 1000; index++) report.add({ path: "./a", what: `xattr user.${index}`, reason: "refused" });
    const lines = report.summary().split("\n");
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toBe("warning: other losses: ./a, ./a, ./a, and 947 more");
    expect(report.kinds.at(-1)).toEqual({ what: "other losses", reason: "", count: 950, examples: ["./a", "./a", "./a"] });
  });
});
