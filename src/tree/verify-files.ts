/** Is a tar of files whole? It can be read to its end, and its names are such that nothing leaves the tree. */
import { ToolError } from "../errors.ts";
import { Findings, inOrder, offsetIn, problemOf, type Finding } from "../stream/findings.ts";
import { displayName } from "../stream/tar/display-name.ts";
import type { TarEntry } from "../stream/tar/read.ts";
import type { EntryFiles, OpenEntries } from "./entry-files.ts";
import { splitEntryName } from "./entry-path.ts";

/** A tar that was read. */
export interface VerifiedFiles {
  findings: readonly Finding[];
  /** How many there were beyond those. */
  moreFindings: number;
  /** How many entries it has. */
  entries: number;
  /** Bytes of their data. */
  dataBytes: number;
}

/** Reads all entries. @throws ToolError if they cannot be read for a reason that lies elsewhere */
export async function verifyFiles(files: EntryFiles): Promise<VerifiedFiles> {
  const findings = new Findings();
  const seen = { entries: 0, dataBytes: 0 };
  let opened: OpenEntries | undefined;
  try {
    opened = await files.open();
    for (let entry = await opened.next(); entry !== undefined; entry = await opened.next()) {
      checkEntry(entry, findings);
      seen.entries += 1;
      seen.dataBytes += entry.size;
    }
  } catch (error) {
    const offset = offsetIn(error);
    findings.add({ ...(offset === undefined ? {} : { offset }), problem: problemOf(error) });
  } finally {
    await opened?.close();
  }
  return { findings: inOrder(findings.list), moreFindings: findings.more, ...seen };
}

function checkEntry({ name, linkname, typeflag, headerOffset: offset }: TarEntry, findings: Findings): void {
  try {
    splitEntryName(name, offset);
    if (typeflag === "1") splitEntryName(linkname, offset);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    findings.add({ offset, member: displayName(name), problem: problemOf(error) });
  }
}
