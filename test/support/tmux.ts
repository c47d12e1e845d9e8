/** A program in a real terminal: tmux, without anybody's configuration, on a socket of its own. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { finish } from "./program.ts";

const PATIENCE_MS = 20_000;
const POLL_MS = 50;
/** So that all that was ever shown stays to be looked at. */
const ROWS = 30;

/** A terminal with a program in it. Disposing ends both. */
export class Tmux implements AsyncDisposable {
  readonly #directory: string = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-tmux-"));

  /** Starts a program after a line "$"; behind what it shows, `exit <code>` is shown when it has ended. */
  static async start(argv: readonly string[], columns: number, env: Readonly<Record<string, string>> = {}): Promise<Tmux> {
    const tmux = new Tmux();
    const run = [...Object.entries(env).map(([name, value]) => `${name}=${value}`), ...argv].map(quote).join(" ");
    // who is interrupted is the program alone
    const program = `trap : INT; echo '$'; sh -c 'echo $$ > "$0"; exec env "$@"' ${quote(tmux.#pidFile)} ${run}; echo "exit $?"; exec sleep 3600`;
    await tmux.#command("-f", "/dev/null", "new-session", "-d", "-x", `${columns}`, "-y", `${ROWS}`, `sh -c ${quote(program)}`);
    return tmux;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#command("kill-server").catch(() => undefined);
    fs.rmSync(this.#directory, { recursive: true, force: true });
  }

  /** The program's process. */
  get pid(): number {
    return Number(fs.readFileSync(this.#pidFile, "utf8"));
  }

  async resize(columns: number): Promise<void> {
    await this.#command("resize-window", "-x", `${columns}`, "-y", `${ROWS}`);
  }

  async type(...keys: string[]): Promise<void> {
    await this.#command("send-keys", ...keys);
  }

  /** What the terminal shows and has shown, line by line, without what is empty at the end; as it is broken into rows. @param options of capture-pane */
  async lines(...options: string[]): Promise<string[]> {
    const text = await this.#command("capture-pane", "-p", "-S", "-", ...options);
    return text.trimEnd().split("\n");
  }

  /** Waits until the terminal shows something. @throws Error with what it shows instead */
  async waitFor(wanted: (lines: readonly string[]) => boolean): Promise<string[]> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const lines = await this.lines();
      if (wanted(lines)) return lines;
      if (Date.now() > until) throw new Error(`the terminal shows:\n${lines.join("\n")}`);
      await sleep(POLL_MS);
    }
  }

  get #pidFile(): string {
    return path.join(this.#directory, "pid");
  }

  async #command(...args: string[]): Promise<string> {
    const argv = ["-S", path.join(this.#directory, "socket"), ...args];
    const { exitCode, stdout, stderr } = await finish(spawn("tmux", argv, { stdio: ["ignore", "pipe", "pipe"], env: environment() }));
    if (exitCode !== 0) throw new Error(`tmux ${args.join(" ")}: ${stderr}`);
    return stdout;
  }
}

/** Without what tells of a terminal that the tests may run in. */
function environment(): Record<string, string | undefined> {
  const { TMUX: _, NO_COLOR: _colour, ...rest } = process.env;
  return { ...rest, TERM: "xterm-256color", LC_ALL: "C.UTF-8" };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
