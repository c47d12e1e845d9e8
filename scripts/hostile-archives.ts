/** Writes every hostile archive to a file of its own, aimed at `DIR/aim`. */
import * as fs from "node:fs";
import * as path from "node:path";
import { ATTACKS, STREAM_ATTACKS } from "../test/hostile/attacks/index.ts";

const directory = path.resolve(process.argv[2] ?? ".");
fs.mkdirSync(path.join(directory, "aim"), { recursive: true });
const attacks = [...ATTACKS, ...STREAM_ATTACKS];
for (const { on, name, make } of attacks) {
  const file = `${on}, ${name}.tar`.replaceAll(/[^\w,.+-]+/g, "-");
  fs.writeFileSync(path.join(directory, file), make({ path: path.join(directory, "aim") }));
}
console.log(`${attacks.length} archives in ${directory}`);
