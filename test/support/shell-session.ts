/** An interactive shell on a pseudo-terminal, in which "ctar" writes down how it was called; what is typed there goes through the shell's completion. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { programArgv } from "./program.ts";

/** Shells that there are scripts for. */
export type Shell = "bash" | "zsh" | "fish";

const PATIENCE_MS = 30_000;
/** The shell may not read yet what is typed first. */
const RETRY_MS = 2000;
const CTRL_U = "\u0015";

/** How each is started with nothing but the completion loaded, as a package of the distribution would install it or as a user sources it. */
const START: Readonly<Record<Shell, string>> = {
  bash: "exec bash --noprofile --rcfile bashrc -i",
  zsh: "ZDOTDIR=$PWD exec zsh -d -i",
  fish: "exec fish --no-config -C 'ctar completion fish | source' -i",
};
const BASHRC = "PS1='$ '\nsource <(ctar completion bash)\n";
const ZSHRC = "PS1='$ '\nfpath=($PWD/functions $fpath)\nautoload -Uz compinit && compinit -u -D\n";

/** A directory where "ctar" is in `bin`, and shells that run in it. */
export class ShellScene implements AsyncDisposable {
  readonly directory: string = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-shell-"));
  readonly #shells: ChildProcess[] = [];

  constructor() {
    this.write("bashrc", BASHRC);
    this.write(".zshrc", ZSHRC);
    const program = programArgv().map(quote).join(" ");
    this.writeProgram(
      "ctar",
      `case $1 in __complete | completion) exec ${program} "$@" ;; esac
{ printf '%s\\0' "$@"; printf '\\n\\0'; } >> ${quote(this.#log)}
`,
    );
  }

  /** Writes a file below the directory. */
  write(relative: string, content: string): void {
    const file = path.join(this.directory, relative);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
  }

  /** Writes a program that is found in PATH; `zfs` is the one that ctar runs. */
  writeProgram(name: string, script: string): void {
    this.write(`bin/${name}`, `#!/bin/sh\n${script}\n`);
    fs.chmodSync(path.join(this.directory, "bin", name), 0o755);
  }

  /** Environment of the shells. */
  get env(): Record<string, string> {
    const { directory } = this;
    const PATH = `${path.join(directory, "bin")}:${process.env["PATH"]}`;
    return {
      ...(process.env as Record<string, string>),
      PATH,
      HOME: directory,
      CTAR_ZFS: path.join(directory, "bin/zfs"),
      TERM: "xterm",
      LC_ALL: "C.UTF-8",
    };
  }

  /** Starts a shell, and waits until it listens. */
  async start(shell: Shell): Promise<(keys: string) => Promise<string[]>> {
    const argv = ["-qfec", `stty rows 40 cols 120; ${START[shell]}`, "/dev/null"];
    const child = spawn("script", argv, { cwd: this.directory, env: this.env, stdio: ["pipe", "ignore", "inherit"] });
    this.#shells.push(child);
    const type = async (keys: string, patienceMs: number): Promise<string[] | undefined> => {
      fs.writeFileSync(this.#log, "");
      child.stdin?.write(`${CTRL_U}${keys}\n`);
      return await this.#nextCall(patienceMs);
    };
    const until = Date.now() + PATIENCE_MS;
    while ((await type("ctar ready", RETRY_MS)) === undefined) if (Date.now() > until) throw new Error(`${shell} does not listen`);
    return async (keys) => {
      const words = await type(keys, PATIENCE_MS);
      if (words === undefined) throw new Error(`${shell} did not call ctar for ${JSON.stringify(keys)}`);
      return words;
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#shells) {
      const ended = once(child, "close");
      const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
      child.stdin?.end(`${CTRL_U}exit\n`);
      await ended;
      clearTimeout(timer);
    }
    fs.rmSync(this.directory, { recursive: true, force: true });
  }

  get #log(): string {
    return path.join(this.directory, "calls");
  }

  async #nextCall(patienceMs: number): Promise<string[] | undefined> {
    const until = Date.now() + patienceMs;
    while (Date.now() < until) {
      const call = fs.readFileSync(this.#log, "utf8").split("\n\0")[0] ?? "";
      if (call.endsWith("\0")) return call.split("\0").slice(0, -1);
      await sleep(20);
    }
    return undefined;
  }
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
