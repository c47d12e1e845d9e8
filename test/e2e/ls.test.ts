/** `ctar ls` and `ctar cat`: what they print, and from what. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { containerArchive, treeStream } from "../support/container-stream.ts";
import { finish, programArgv, runProgram, start, type Finished } from "../support/program.ts";
import { fixtureFacts, fixtureStream } from "../support/stream-tree.ts";

let scratch = "";
let stream = "";
let archive = "";
beforeAll(async () => {
  scratch = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-ls-"));
  stream = path.join(scratch, "p.zfs");
  fs.writeFileSync(stream, fixtureStream("p.full.s1"));
  archive = path.join(scratch, "web01.tar");
  const tree = { private: { etc: { hostname: "web01\n" }, "new\nline": "n", "caf\xe9": "c", link: { link: "etc/hostname" } } };
  fs.writeFileSync(archive, await containerArchive({ datasets: { "": treeStream(tree) } }));
});
afterAll(() => fs.rmSync(scratch, { recursive: true, force: true }));

async function piped(file: string, ...args: string[]): Promise<Finished> {
  const child = start([...programArgv(), ...args], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(fs.readFileSync(file));
  return await finish(child);
}

describe("ctar ls", () => {
  test("lists a directory, a file, and with -R everything", async () => {
    expect((await runProgram("ls", archive)).stdout).toBe("caf\\xe9\netc\nlink\nnew\\nline\n");
    expect((await runProgram("ls", archive, "/etc", "lin?")).stdout).toBe("etc/hostname\nlink\n");
    expect((await runProgram("ls", "-R", archive, ".")).stdout).toBe(".\ncaf\\xe9\netc\netc/hostname\nlink\nnew\\nline\n");
  });

  test("-l shows what ls -l does", async () => {
    const { stdout } = await runProgram("ls", "-l", stream, "suid", "null", "sym", "seq", "hundred");
    const squeezed = stdout.split("\n").map((line) => line.replaceAll(/ +/g, " "));
    expect(squeezed).toEqual([
      "-rwsr-xr-x 1 0 0 1 2026-11-20 14:53 suid",
      "crw-r--r-- 1 0 0 1, 3 2026-11-20 14:53 null",
      "lrwxrwxrwx 1 0 0 7 2026-11-20 14:53 sym -> hundred",
      "-rw-r--r-- 1 0 0 13893 2001-02-03 04:05 seq",
      "-rw-r--r-- 2 0 0 100 2026-11-20 14:53 hundred",
      "",
    ]);
  });

  test.each(["file", "pipe"])("--json says of every file what was there, from a %s", async (from) => {
    const { exitCode, stdout } =
      from === "file" ? await runProgram("ls", "-R", "--json", stream) : await piped(stream, "ls", "-R", "--json", "-");
    const letters: Readonly<Record<string, string>> = { file: "f", directory: "d", symlink: "l", character: "c", block: "b", fifo: "p" };
    const seen = stdout
      .trimEnd()
      .split("\n")
      .map((line) => {
        const { path: name, type, mode, uid, gid, size, nlink, mtime, target = "" } = JSON.parse(line) as Record<string, string>;
        const [seconds = "", fraction = ""] = (mtime ?? "").split(".");
        const facts = [letters[type ?? ""], Number(mode), uid, gid, size, nlink, `${seconds}${fraction.padEnd(9, "0")}`, target].join(" ");
        return [name === "." ? "." : `./${Buffer.from(name ?? "").toString("latin1")}`, facts];
      });
    expect(exitCode).toBe(0);
    expect(Object.fromEntries(seen)).toEqual(fixtureFacts("p.s1").tree);
  });

  test("--json gives names that are not UTF-8 as bytes, too", async () => {
    const { stdout } = await runProgram("ls", "--json", archive, "caf?");
    const { path: name, pathBase64 } = JSON.parse(stdout) as Record<string, string>;
    expect([name, Buffer.from(pathBase64 ?? "", "base64").toString("latin1")]).toEqual(["caf\\xe9", "caf\xe9"]);
  });

  test.each([
    [["none"], 10, 'Cannot find "none": there is no such file'],
    [["etc/../.."], 2, 'Cannot use path "etc/../..": it holds ".."'],
    [["--dataset", "x"], 10, 'Cannot find dataset "x"'],
  ])("%j exits %p", async (args, code, message) => {
    const { exitCode, stdout, stderr } = await runProgram("ls", archive, ...args);
    expect([exitCode, stdout, stderr.includes(message)]).toEqual([code, "", true]);
  });
});

describe("ctar cat", () => {
  test("prints a file to its last byte, holes as zeros", async () => {
    const { exitCode, stdout } = await runProgram("cat", archive, "etc/hostname");
    expect([exitCode, stdout]).toEqual([0, "web01\n"]);
    const hole = await runProgram("cat", stream, "hole");
    expect([hole.stdout.length, hole.stdout.startsWith("\0\0")]).toEqual([1_048_579, true]);
  });

  test.each(["cat", "extract"])("%s of ZFS streams that come through a pipe keeps them meanwhile, and says so", async (verb) => {
    const [spool, target] = ["spool", "x"].map((name) => path.join(scratch, `${verb}-${name}`)) as [string, string];
    fs.mkdirSync(spool);
    const options = verb === "cat" ? [] : ["-C", target];
    const { exitCode, stdout, stderr } = await piped(archive, verb, "--spool-dir", spool, "-", "etc/hostname", ...options);
    const printed = verb === "cat" ? stdout : fs.readFileSync(path.join(target, "etc/hostname"), "utf8");
    expect([exitCode, printed, fs.readdirSync(spool)]).toEqual([0, "web01\n", []]);
    expect(stderr).toContain(`note: "standard input" is kept in "${spool}" while it is read\n`);
  });
});
