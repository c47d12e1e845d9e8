/** The demonstration that scripts/demo runs: bun scripts/demo.ts CTAR DIRECTORY */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { makeDemoContainer } from "./demo-container.ts";

const MARKER = "ctar-demo";

const [program = "", target = ""] = process.argv.slice(2);
const directory = path.resolve(target);
const pool = `dir:${directory}`;

makePool();
makeDemoContainer(directory);
console.log(`A container, made of ordinary files: ${directory}/ct/web01\n`);
const copy = `${program} export --pool ${pool} web01 - | ${program} import --pool ${pool} --as-id web02 -`;
console.log(`$ ${copy}`);
run(["bash", "-o", "pipefail", "-c", '"$1" export --pool "$2" web01 - | "$1" import --pool "$2" --as-id web02 -', "demo", program, pool]);
compare();
show("list", "--pool", pool);
show("export", "--pool", pool, "--force", "web01", path.join(directory, "web01.tar"));
show("inspect", path.join(directory, "web01.tar"));
console.log(`
Both containers are equal: paths, types, modes, owners, times, links and contents.

  the pool       ${directory}
  web01, web02   ${directory}/ct/web01/private, ${directory}/ct/web02/private
  the archive    ${directory}/web01.tar, a tar like any other: tar -tvf ${directory}/web01.tar
  the program    ${program} --help`);

function makePool(): void {
  if (fs.existsSync(directory) && fs.readdirSync(directory).length > 0) {
    if (!fs.existsSync(path.join(directory, MARKER))) throw new Error(`${directory} exists and was not made by this demo`);
    spawnSync("chmod", ["-R", "u+rwX", directory]);
    fs.rmSync(directory, { recursive: true });
  }
  run([program, "init", pool]);
  fs.writeFileSync(path.join(directory, MARKER), "scripts/demo made this directory and may replace it\n");
}

function compare(): void {
  const listing = (id: string): string => {
    const root = path.join(directory, "ct", id, "private");
    const tree = run(["find", root, "-printf", "%P %y %m %U %G %n %T@ %l\n"]).split("\n").toSorted().join("\n");
    return tree + run(["sh", "-c", 'cd "$1" && find . -type f -exec sha256sum {} + | sort', "sh", root]);
  };
  if (listing("web01") !== listing("web02")) throw new Error("the copy differs from the original");
}

function show(...args: string[]): void {
  console.log(`\n$ ${program} ${args.join(" ")}`);
  process.stdout.write(run([program, ...args]));
}

function run([command = "", ...args]: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
  process.stderr.write(stderr);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: exit ${status}`);
  return stdout;
}
