/** Progress in a terminal: one line that is drawn again and again, and nothing of it left at the end. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { DirPoolScene } from "../support/dir-pool.ts";
import { programArgv } from "../support/program.ts";
import { withoutDebugger } from "../support/progress-events.ts";
import { Tmux } from "../support/tmux.ts";

const DATA_BYTES = 3_000_000;
const KEPT_BACK_BYTES = 100_000;
const LINE = /^base \/: .*KiB/;
const LONG_MS = 60_000;

let scene: DirPoolScene;
let archive: Buffer;

beforeAll(async () => {
  scene = await DirPoolScene.create();
  scene.write("ct/web01/private/large", Buffer.alloc(DATA_BYTES, "0123456789abcdef"));
  await scene.run("export", ["web01", scene.file("web01.tar")]);
  archive = fs.readFileSync(scene.file("web01.tar"));
});
afterAll(() => scene?.[Symbol.dispose]());

/** A run in a terminal, on a FIFO that has given most of the archive. */
class TerminalRun implements AsyncDisposable {
  readonly tmux: Tmux;
  #fifo: number | undefined;
  #at = 0;

  private constructor(tmux: Tmux, fifo: number) {
    this.tmux = tmux;
    this.#fifo = fifo;
  }

  static async import(id: string, options: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<TerminalRun> {
    return await TerminalRun.start(["import", "--pool", scene.name, "--as-id", id, ...options], id, env);
  }

  /** @param name of the FIFO, which is the last argument */
  static async start(args: readonly string[], name: string, env: Readonly<Record<string, string>> = {}): Promise<TerminalRun> {
    const fifo = scene.file(`${name}.fifo`);
    execFileSync("mkfifo", [fifo]);
    const argv = [...programArgv(), ...args, fifo];
    const tmux = await Tmux.start(argv, 80, env);
    const run = new TerminalRun(tmux, fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK));
    await run.feed(archive.length - KEPT_BACK_BYTES);
    return run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.tmux[Symbol.asyncDispose]();
    this.#close();
  }

  /** Gives the next bytes, so few at a time that they are soon taken. */
  async feed(bytes: number): Promise<void> {
    for (const end = Math.min(archive.length, this.#at + bytes); this.#at < end; await sleep(1)) {
      try {
        this.#at += fs.writeSync(this.#fifo ?? -1, archive, this.#at, Math.min(4096, end - this.#at));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      }
    }
  }

  /** Gives the rest, and waits for the end. */
  async feedAll(): Promise<string[]> {
    await this.feed(archive.length);
    this.#close();
    return await this.tmux.waitFor((lines) => lines.at(-1)?.startsWith("exit ") === true);
  }

  #close(): void {
    if (this.#fifo !== undefined) fs.closeSync(this.#fifo);
    this.#fifo = undefined;
  }
}

describe("in a terminal", () => {
  test(
    "there is one line, also when that becomes narrower, and in the end none",
    async () => {
      await using run = await TerminalRun.import("resized");
      const wide = await run.tmux.waitFor((lines) => LINE.test(lines.at(-1) ?? ""));
      expect(wide).toEqual(["$", expect.stringMatching(LINE)]);
      await run.tmux.resize(40);
      await sleep(500);
      for (let step = 0; step < 3; step++) {
        await run.feed(10_000);
        await sleep(300);
        expect(await run.tmux.lines()).toEqual(["$", expect.stringMatching(/^base \/: .{1,31}$/)]);
      }
      await run.tmux.resize(80);
      await sleep(500);
      expect(await run.tmux.lines()).toEqual(["$", expect.stringMatching(LINE)]);
      const end = await run.feedAll();
      expect(end).toEqual(["$", expect.stringMatching(/^imported container "resized" to pool/), expect.anything(), "exit 0"]);
    },
    LONG_MS,
  );

  test.skipIf("Deno" in globalThis)(
    "what else is said stands above it: an answer to SIGUSR1, and an error when it is interrupted (skipped: Deno says then that one can debug it)",
    async () => {
      await using run = await TerminalRun.import("asked");
      await run.tmux.waitFor((lines) => LINE.test(lines.at(-1) ?? ""));
      process.kill(run.tmux.pid, "SIGUSR1");
      const asked = await run.tmux.waitFor((lines) => lines.some((line) => line.startsWith("import: ")));
      expect(asked).toEqual(["$", expect.stringMatching(/^import: base \/: /), expect.stringMatching(LINE)]);
      await run.tmux.type("C-c");
      const end = await run.tmux.waitFor((lines) => lines.at(-1) === "exit 130");
      expect(end).toEqual(
        ["$", expect.stringMatching(/^import: base \/: /), "error: Interrupted by SIGINT", "", "exit 130"].filter(Boolean),
      );
    },
    LONG_MS,
  );

  test.each<[string[], RegExp]>([
    [[], /^\/.* is whole: /],
    [["--json"], /^\{$/],
  ])(
    "it is taken away before anything is printed by verify %j",
    async (options, printed) => {
      await using run = await TerminalRun.start(["verify", ...options], `verified${options.length}`);
      await run.tmux.waitFor((lines) => LINE.test(lines.at(-1) ?? ""));
      const [first, second, ...rest] = await run.feedAll();
      expect([first, second]).toEqual(["$", expect.stringMatching(printed)]);
      expect(rest.filter((line) => line.includes("KiB/s"))).toEqual([]);
      expect(rest.at(-1)).toBe("exit 0");
    },
    LONG_MS,
  );

  test(
    "it has no colours, and with --quiet or --progress never it is not there",
    async () => {
      for (const options of [["--quiet"], ["--progress", "never"], []]) {
        await using run = await TerminalRun.import(`plain${options.length}${options[0] ?? ""}`.replace(/[^a-z0-9]/g, ""), options, {
          NO_COLOR: "1",
        });
        if (options.length === 0) await run.tmux.waitFor((lines) => LINE.test(lines.at(-1) ?? ""));
        else await sleep(1500);
        // with the sequences that change how characters look
        const lines = await run.tmux.lines("-e");
        expect(lines.join("\n")).not.toContain("\u001b");
        expect(lines.length).toBe(options.length === 0 ? 2 : 1);
        const end = await run.feedAll();
        expect(end.length).toBe(options[0] === "--quiet" ? 2 : 4);
      }
    },
    LONG_MS,
  );

  test.each([[{ TERM: "dumb" }], [{ TERM: "" }]])(
    "one with %j is not drawn on, and gets lines",
    async (env) => {
      await using run = await TerminalRun.import(`dumb${env.TERM.length}`, [], env);
      await sleep(1500);
      expect(await run.tmux.lines()).toEqual(["$"]);
      process.kill(run.tmux.pid, "SIGUSR1");
      const asked = await run.tmux.waitFor((lines) => lines.some((line) => line.startsWith("import: ")));
      expect(withoutDebugger(asked.join("\n")).trimEnd().split("\n")).toEqual(["$", expect.stringMatching(/^import: base \/: .*KiB/)]);
      expect((await run.feedAll()).at(-1)).toBe("exit 0");
    },
    LONG_MS,
  );
});
