/**
 * `bun run build` compiles ctar for this machine into dist/ctar, and writes the man page dist/ctar.8. `bun run build --release` makes the files
 * of a release instead (release.ts).
 */
import { parseArgs } from "node:util";
import { compile, writeExecutable } from "./compile.ts";
import { writeManPage } from "./man-page.ts";
import { programNotices } from "./notices.ts";
import { makeRelease } from "./release.ts";

const { values } = parseArgs({ options: { release: { type: "boolean", default: false } } });
if (values.release) await makeRelease();
else {
  writeExecutable("dist/ctar", await compile({ notices: programNotices() }));
  await writeManPage("dist/ctar.8");
}
