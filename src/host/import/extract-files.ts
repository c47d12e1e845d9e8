/** The root filesystem of a container that is imported, made of files that come one by one. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { extractInto } from "../../tree/extract-into.ts";
import type { Loss } from "../../tree/loss.ts";
import type { EntrySource } from "../../tree/selected-entries.ts";

/** Entries between two looks at whether the run is to stop. */
const ENTRIES_PER_TURN = 256;

/** Makes the files in an empty directory. @throws ToolError; whatever the signal is aborted with */
export async function extractFiles(
  entries: EntrySource,
  root: string,
  { signal, onLoss }: { signal: AbortSignal; onLoss: (loss: Loss) => void },
): Promise<void> {
  await extractInto(interruptible(entries, signal), root, { patterns: [], stripComponents: 0, force: false, onLoss });
}

/** Signals are not heard as long as nothing is waited for, which small files from memory never make us do. */
function interruptible(entries: EntrySource, signal: AbortSignal): EntrySource {
  let count = 0;
  return {
    next: async () => {
      count += 1;
      if (count % ENTRIES_PER_TURN === 0) await nextTurn();
      signal.throwIfAborted();
      return await entries.next();
    },
  };
}
