/** Writes every hostile archive to a file of its own, aimed at `DIR/aim`. */
import * as fs from "node:fs";
import * as path from "node:path";
import { ATTACKS } from "../test/hostile/attacks/index.ts";

const directory = path.resolve(process.argv[2] ?? ".");
fs.mkdirSync(path.join(directory, "aim"), { recursive: true });
for (const { on, name, make } of ATTACKS) {
  const file = `${on}, ${name}.tar`.replaceAll(/[^\w,.+-]+/g, "-");
  fs.writeFileSync(path.join(directory, file), make({ path: path.join(directory, "aim") }));
}
console.log(`${ATTACKS.length} archives in ${directory}`);
