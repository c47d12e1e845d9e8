import { describe, expect, test } from "bun:test";
import { ToolError } from "../../src/errors.ts";
import { describeExit, runCommand, runProgram, startChild } from "../../src/sys/process.ts";

describe("runProgram", () => {
  test("does not wait for what the program left in the background", async () => {
    const begun = performance.now();
    const exit = await runProgram(["sh", "-c", "sleep 8 & echo started >&2; exit 3"]);
    expect(exit).toMatchObject({ status: 3, stderr: "started" });
    expect(performance.now() - begun).toBeLessThan(6000);
  });

  test("says of a missing program that it is missing", async () => {
    const failure = await runProgram(["/nonexistent/program"]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ToolError);
    expect((failure as ToolError).code).toBe("not-found");
  });
});

describe("runCommand", () => {
  test("returns status, output and the end of stderr", async () => {
    const exit = await runCommand(["sh", "-c", "echo out; head -c 100000 /dev/zero | tr '\\0' x >&2; echo last >&2; exit 7"]);
    expect(exit.status).toBe(7);
    expect(exit.stdout).toBe("out\n");
    expect(exit.stderr.length).toBeLessThanOrEqual(32 * 1024);
    expect(exit.stderr.endsWith("last")).toBe(true);
    expect(describeExit(exit)).toBe("exit status 7");
  });

  test.each([
    ["/nonexistent/program", "not-found", 'Cannot run "/nonexistent/program": no such program'],
    ["no-such-program", "not-found", 'Cannot run "no-such-program": no such program'],
    ["/etc/passwd", "failed", 'Cannot run "/etc/passwd": '],
  ])("says of %s that it cannot be started", async (program, code, message) => {
    const failure = await runCommand([program]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ToolError);
    const { code: actual, message: said } = failure as ToolError;
    expect([actual, said.slice(0, message.length)]).toEqual([code, message]);
  });

  test("runs in the C locale, without a shell", async () => {
    expect((await runCommand(["printenv", "LC_ALL"])).stdout).toBe("C\n");
    expect((await runCommand(["echo", "$HOME; `id`"])).stdout).toBe("$HOME; `id`\n");
  });

  test("ends the program and throws the reason when aborted", async () => {
    const controller = new AbortController();
    const running = runCommand(["sleep", "30"], { signal: controller.signal });
    controller.abort(new ToolError("interrupted", "Interrupted by SIGINT"));
    await expect(running).rejects.toThrow("Interrupted by SIGINT");
  });
});

describe("Child", () => {
  test("write says when the program reads no more", async () => {
    await using child = await startChild(["sh", "-c", "exec <&-; exec sleep 30"], "to");
    let open = true;
    for (let chunks = 0; open && chunks < 1000; chunks += 1) open = await child.write(new Uint8Array(65536));
    expect(open).toBe(false);
  });

  test("disposing ends a program that nobody reads", async () => {
    const begun = performance.now();
    {
      await using child = await startChild(["sh", "-c", "exec cat /dev/zero"], "from");
      for await (const chunk of child.stdout()) if (chunk.length > 0) break;
    }
    expect(performance.now() - begun).toBeLessThan(4000);
  });
});
