/** Writes every hostile archive to a file of its own, or a directory, aimed at `DIR/aim`. */
import * as fs from "node:fs";
import * as path from "node:path";
import { ATTACKS, STREAM_ATTACKS } from "../test/hostile/attacks/index.ts";
import { IMAGE_ATTACKS } from "../test/hostile/attacks/images.ts";

const directory = path.resolve(process.argv[2] ?? ".");
fs.mkdirSync(path.join(directory, "aim"), { recursive: true });
const aim = { path: path.join(directory, "aim") };
for (const { on, name, make } of [...ATTACKS, ...STREAM_ATTACKS]) fs.writeFileSync(fileFor(`${on}, ${name}.tar`), make(aim));
for (const { on, name, make, stream, place } of IMAGE_ATTACKS) {
  const file = fileFor(`image, ${on}, ${name}${place === undefined ? ".tar" : ""}`);
  fs.rmSync(file, { recursive: true, force: true });
  place?.(file, aim);
  for (const chunk of stream?.() ?? (make === undefined ? [] : [make(aim)])) fs.appendFileSync(file, chunk);
}
console.log(`${ATTACKS.length + STREAM_ATTACKS.length + IMAGE_ATTACKS.length} archives in ${directory}`);

function fileFor(name: string): string {
  return path.join(directory, name.replaceAll(/[^\w,.+-]+/g, "-"));
}
