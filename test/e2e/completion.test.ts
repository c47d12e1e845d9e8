/** Completion as somebody meets it who types in a shell: in bash, zsh and fish on a terminal, with the scripts that the program prints. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import * as path from "node:path";
import type { Digest } from "../../src/oci/digest.ts";
import { encodeImages } from "../../src/oci/store/stored-image.ts";
import { DirPoolScene } from "../support/dir-pool.ts";
import { finish, programArgv, runProgram, start } from "../support/program.ts";
import { ShellScene, type Shell } from "../support/shell-session.ts";

const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];
/** Answers as if zpool "tank" were installed. */
const ZFS = "printf 'tank\\tyes\\t-\\n'";

/** All that differs from source is that it takes longer. */
const WHY = process.env["CTAR_BIN"] === undefined ? " (skipped: only with a compiled program, CTAR_BIN)" : "";

describe.skipIf(WHY !== "").each(SHELLS.map((shell) => [shell]))(`%s completes${WHY}`, (shell) => {
  let scene: ShellScene;
  let pool: DirPoolScene;
  let type: (keys: string) => Promise<string[]>;

  beforeAll(async () => {
    scene = new ShellScene();
    pool = await DirPoolScene.create();
    scene.write("functions/_ctar", (await runProgram("completion", "zsh")).stdout);
    scene.writeProgram("zfs", ZFS);
    for (const name of ["a file.tar", "qu'o\"te.tar", "my dir/x", "web.tar"]) scene.write(name, "");
    type = await scene.start(shell);
  });
  afterAll(async () => {
    pool[Symbol.dispose]();
    await scene[Symbol.asyncDispose]();
  });

  test.each<[string, string, string[]]>([
    ["a command", "ctar ver\tx", ["verify", "x"]],
    ["a command of a group", "ctar image pru\t", ["image", "prune"]],
    ["a topic of help", "ctar help expo\t", ["help", "export"]],
    ["an option", "ctar export --comp\tgzip", ["export", "--compression", "gzip"]],
    ["an option after arguments", "ctar export web01 a.tar --forc\t", ["export", "web01", "a.tar", "--force"]],
    ["a choice", "ctar export --compression gz\tx", ["export", "--compression", "gzip", "x"]],
    ["a choice behind =", "ctar export --compression=gz\tx", ["export", "--compression=gzip", "x"]],
    ["a choice of a letter", "ctar export -c gz\tx", ["export", "-c", "gzip", "x"]],
    ["a pool", "ctar list --pool ta\t", ["list", "--pool", "tank"]],
    ["a pool behind =", "ctar list --pool=ta\t", ["list", "--pool=tank"]],
    ["dir: with no blank behind it", "ctar list --pool d\t/srv", ["list", "--pool", "dir:/srv"]],
    ["a file with a blank", "ctar verify a\\ f\tx", ["verify", "a file.tar", "x"]],
    ["a file with a blank in quotes", 'ctar verify "a f\tx', ["verify", "a file.tar", "x"]],
    ["a file with quotes", "ctar verify qu\tx", ["verify", "qu'o\"te.tar", "x"]],
    ["a file after --", "ctar verify -- we\tx", ["verify", "--", "web.tar", "x"]],
    ["a file below ~", "ctar verify ~/we\tx", ["verify", "~/web.tar", "x"]],
    ["nothing where anything may stand", "ctar import --as-id we\tx", ["import", "--as-id", "wex"]],
  ])("%s", async (_what, keys, words) => {
    const [home, called] = [scene.directory, await type(keys)];
    expect(called).toEqual(words.map((word) => word.replace(/^~/, home)));
  });

  test("directories", async () => {
    const begun = pool.name.slice(0, -1);
    for (const [keys, word] of [
      ["extract x -C m", "my dir"],
      ["extract x --directory=m", "--directory=my dir"],
      [`list --pool ${begun}`, pool.name],
      [`list --pool=${begun}`, `--pool=${pool.name}`],
      [`export ${begun}`, pool.name],
    ] as const) {
      const called = await type(`ctar ${keys}\t`);
      expect(called.at(-1)?.replace(/\/$/, "")).toBe(word);
    }
  });

  test("containers of a pool", async () => {
    expect(await type(`ctar export --pool ${pool.name} w\tx`)).toEqual(["export", "--pool", pool.name, "web01", "x"]);
    expect(await type(`ctar export --pool="${pool.name}" w\tx`)).toEqual(["export", `--pool=${pool.name}`, "web01", "x"]);
    expect(await type(`ctar export ${pool.name}:w\tx`)).toEqual(["export", `${pool.name}:web01`, "x"]);
  });
});

/** What a shell without anybody in it says to a script. */
function say(scene: ShellScene, argv: readonly string[]): { status: number | null; output: string } {
  const [file = "", ...args] = argv;
  const { status, stdout, stderr } = spawnSync(file, args, { cwd: scene.directory, env: scene.env, encoding: "utf8" });
  return { status, output: stdout + stderr };
}

describe("the completion script", () => {
  test.each<[string, string[]]>([
    ["bash", ["bash", "--norc", "-euc", "source <(ctar completion bash) && complete -p ctar"]],
    ["zsh", ["zsh", "-fuc", "autoload -Uz compinit && compinit -u -D && source <(ctar completion zsh) && whence -w _ctar"]],
    ["zsh without completion", ["zsh", "-fuc", "source <(ctar completion zsh) && whence -w _ctar && whence -w compdef"]],
    ["fish", ["fish", "--no-config", "-c", "ctar completion fish | source && complete ctar"]],
  ])("loads without a warning in %s", async (_label, argv) => {
    await using scene = new ShellScene();
    const { status, output } = say(scene, argv);
    expect(status).toBe(0);
    expect(output).toMatch(/^(complete .*ctar.*\n|_ctar: function\n(compdef: function\n)?)$/);
  });
});

/** Words that are offered for the last one. */
async function offered(scene: ShellScene, ...words: readonly string[]): Promise<string[]> {
  const { stdout } = await finish(start([...programArgv(), "__complete", "zsh", "--", ...words], { env: scene.env }));
  return stdout.split("\n").slice(1, -1).map((line) => line.split("\t")[0] ?? ""); // prettier-ignore
}

describe("ctar __complete", () => {
  test.each<[string, string]>([
    ["there is no zfs", "exit 127"],
    ["zfs refuses", "echo 'Permission denied' >&2; exit 1"],
    ["zfs hangs", "sleep 60"],
    ["zfs says nonsense", "head -c 100000 /dev/urandom"],
  ])("offers no containers, quietly and at once, where %s", async (_what, script) => {
    await using scene = new ShellScene();
    scene.writeProgram("zfs", script);
    const begin = Date.now();
    const finished = await finish(start([...programArgv(), "__complete", "zsh", "--", "export", ""], { env: scene.env }));
    expect(finished).toEqual({ exitCode: 0, stdout: "words\t\n", stderr: "" });
    expect(Date.now() - begin).toBeLessThan(20_000);
  });

  test("offers containers of several zpools with their pool", async () => {
    await using scene = new ShellScene();
    const pools = path.join(scene.directory, "pools");
    scene.write("pools/tank/conf/ct/web01.yml", "");
    scene.write("pools/fast/conf/ct/web02.yml", "");
    scene.write("pools/fast/conf/ct/web 03.yml", "");
    const mounts = `for dataset; do :; done; printf 'yes\\n${pools}/%s\\n' "$dataset"`;
    scene.writeProgram("zfs", `case $1 in list) printf 'tank\\tyes\\t-\\nfast\\tyes\\t-\\nother\\t-\\t-\\n' ;; *) ${mounts} ;; esac`);
    expect(await offered(scene, "export", "")).toEqual(["tank:web01", "fast:web02"]);
    expect(await offered(scene, "export", "fast:")).toEqual(["fast:web02"]);
    expect(await offered(scene, "export", "--pool", "tank", "")).toEqual(["web01"]);
    expect(await offered(scene, "list", "--pool", "")).toEqual(["tank", "fast", "dir:"]);
  });

  test("offers images as docker calls them", async () => {
    await using scene = new ShellScene();
    using pool = await DirPoolScene.create();
    const target = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: `sha256:${"a".repeat(64)}` as Digest, size: 1 };
    const names = ["docker.io/library/alpine:3.20", "docker.io/team/app:1", "registry.example:5000/base:2", undefined];
    pool.write("image/oci-layout", "");
    pool.write("image/index.json", encodeImages(names.map((name) => ({ name, target, absent: [] }))));
    const short = ["alpine:3.20", "registry.example:5000/base:2", "team/app:1"];
    expect((await offered(scene, "image", "rm", "--pool", pool.name, "")).toSorted()).toEqual(short);
  });

  test("changes nothing", async () => {
    using pool = await DirPoolScene.create();
    const before = pool.inventory();
    for (const words of [
      ["export", "w"],
      ["image", "rm", ""],
      ["init", ""],
      ["import", "--as-id", ""],
    ])
      expect(await runProgram("__complete", "zsh", "--", ...words.slice(0, -1), "--pool", pool.name, words.at(-1) ?? "")).toMatchObject({
        exitCode: 0,
        stderr: "",
      });
    expect(pool.inventory()).toEqual(before);
  });
});
