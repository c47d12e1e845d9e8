/** The end of an export: its bytes go to another host, to stdout, or into a file, which has its name only when it is complete. */
import type { Run } from "../../host/undo/run.ts";
import type { ByteSink } from "../../stream/bytes.ts";
import { temporaryName } from "../../sys/new-file.ts";
import { openSpecialFile } from "../../sys/output.ts";
import type { Context } from "../context.ts";
import type { RemoteImport } from "../remote/remote-import.ts";
import { writeNewFile } from "./write-arguments.ts";

/** Whoever writes all the bytes. */
type Write<T> = (sink: ByteSink) => Promise<T>;

/** What a file needs besides its name. */
interface FileOptions {
  /** Replaces one that is there. */
  force: boolean;
  run: Run;
  context: Context;
}

/** Has the bytes written where they are to go. @param target a file by its path */
export async function writeOut<T>(write: Write<T>, target: RemoteImport | ByteSink | string, options: FileOptions): Promise<T> {
  if (typeof target === "string") return await writeFile(write, target, options);
  return "take" in target ? await target.take(write) : await write(target);
}

async function writeFile<T>(write: Write<T>, target: string, { force, run, context: { signal } }: FileOptions): Promise<T> {
  const special = openSpecialFile(target, signal);
  if (special !== undefined) return await write(special);
  const temporary = { is: "path", path: temporaryName(target) } as const;
  run.intend(temporary);
  try {
    return await writeNewFile(target, { temporaryPath: temporary.path, force, signal }, write);
  } finally {
    run.forget(temporary);
  }
}
