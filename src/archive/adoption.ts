/**
 * The archive that a running osctld is given to take over a container whose dataset is in place already: format tar, with the configuration
 * and a root filesystem that is empty, so that extracting it changes nothing.
 */
import type { ByteStream } from "../stream/bytes.ts";
import { exportArchive } from "./export.ts";
import type { HookScript } from "./source.ts";
import type { ArchiveWriter } from "./write.ts";

/** What the archive tells osctld. */
export interface Adoption {
  container: string;
  user: string;
  group: string;
  /** container.yml */
  config: string;
  hooks: readonly HookScript[];
}

const END_OF_TAR_BYTES = 1024;

/** Writes the archive. @param tool name and version for its manifest; @param now unix time, seconds */
export async function writeAdoption(
  adoption: Adoption,
  writer: ArchiveWriter,
  { tool, now }: { tool: string; now: number },
): Promise<void> {
  const { container, user, group, config, hooks } = adoption;
  const metadata = { type: "full", format: "tar", user, group, container, datasets: [], exportedAt: now } as const;
  const rootfs = { dataset: "", kind: "base", gzip: true, open: emptyTar, facts: () => undefined } as const;
  const source = {
    head: { metadata, containerConfig: new TextEncoder().encode(config), hooks },
    properties: [],
    streams: async function* () {
      yield await Promise.resolve(rootfs);
    },
    snapshots: () => [],
  };
  await exportArchive(source, writer, { tool });
}

async function* emptyTar(): ByteStream {
  yield await Promise.resolve(new Uint8Array(END_OF_TAR_BYTES));
}
