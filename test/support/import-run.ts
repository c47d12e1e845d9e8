/** Imports into a directory pool without starting the program. */
import { importArchive } from "../../src/archive/import.ts";
import { ArchiveReader } from "../../src/archive/read.ts";
import { ToolError } from "../../src/errors.ts";
import { DirStorage } from "../../src/host/import/dir-storage.ts";
import { FileRegistrar } from "../../src/host/import/file-registrar.ts";
import { HostTarget } from "../../src/host/import/target.ts";
import { openDirectoryPool } from "../../src/host/pool.ts";
import { Run } from "../../src/host/undo/run.ts";
import { VirtualFile, pipeOf } from "./virtual-file.ts";

/** Options of {@link importInto}. */
export interface ImportInto {
  /** The pool's directory. */
  directory: string;
  id: string;
  user: string;
  from: "file" | "pipe";
}

/** Imports an archive as the program does. @returns the error; anything but a ToolError is thrown */
export async function importInto({ directory, id, user, from }: ImportInto, archive: Uint8Array): Promise<ToolError | undefined> {
  const pool = openDirectoryPool(directory);
  const run = new Run(pool, "ctar import");
  const { signal } = new AbortController();
  const options = { run, signal, onLoss: (): void => undefined };
  const target = new HostTarget(pool, {
    choices: {
      asId: id,
      asUser: user,
      asGroup: "/default",
      map: "archive",
      mapMode: undefined,
      missingDevices: "remove",
      hooks: true,
      untrusted: false,
    },
    run,
    registrar: new FileRegistrar(pool, run),
    tell: () => undefined,
    storage: (chosen) => new DirStorage(pool, { ...options, id: chosen }),
  });
  const file = VirtualFile.of(archive);
  try {
    await importArchive(new ArchiveReader(from === "file" ? file : pipeOf(file)), target);
    return undefined;
  } catch (error) {
    if (error instanceof ToolError) return error;
    throw error;
  }
}
