/** What an export reads from: ZFS streams, or files, of a container that may have to be stopped for a moment. */
import type { ContainerSource } from "../../archive/source.ts";
import { ToolError } from "../../errors.ts";
import type { ContainerTrees } from "../../host/export/container-trees.ts";
import { openDirTrees } from "../../host/export/dir-trees.ts";
import { findLifecycle, type Lifecycle } from "../../host/export/lifecycle.ts";
import { TarSource } from "../../host/export/tar-source.ts";
import { openZfsSource, type Compression, type ZfsSource } from "../../host/export/zfs-source.ts";
import { openZfsTrees } from "../../host/export/zfs-trees.ts";
import type { Pool } from "../../host/pool.ts";
import type { Run } from "../../host/undo/run.ts";
import type { Loss, LossReport } from "../../tree/loss.ts";
import type { Context } from "../context.ts";
import { timeOf } from "../world.ts";

/** What of the request says how to read. */
export interface SourceRequest {
  consistent: boolean;
  stopCommand?: string | undefined;
  startCommand?: string | undefined;
}

/** What of it says how streams are made. */
export interface StreamRequest extends SourceRequest {
  compression: Compression;
  /** Undefined: what the pool holds, ZFS streams or a tar. */
  format?: string | undefined;
  raw: boolean;
  largeBlocks: boolean;
  embedded: boolean;
  verify: boolean;
}

/** Where the container is, and who asks. */
export interface SourceParts<Request extends SourceRequest> {
  pool: Pool;
  id: string;
  request: Request;
  run: Run;
  losses: LossReport;
  context: Context;
  /** Waited for before the container is stopped, once its head and its base streams have been written. */
  beforeStop?: (() => Promise<void>) | undefined;
}

/** Opens a container to be exported as one of osctl's archives. @throws ToolError not-found, usage */
export async function openSource(parts: SourceParts<StreamRequest>): Promise<(ContainerSource & { willStop: boolean }) | ZfsSource> {
  const { pool, id, request, run, losses, context } = parts;
  const { consistent, compression, raw, largeBlocks, embedded, verify } = request;
  if (pool.kind === "dir" && request.format === "zfs") {
    throw new ToolError("usage", `Cannot export in format "zfs": pool "${pool.name}" has no ZFS`, { hints: ["Leave --format out"] });
  }
  if (pool.kind === "dir" || request.format === "tar") {
    return new TarSource(await openTrees(parts), { now: timeOf(context), onLoss: (loss: Loss) => losses.add(loss) });
  }
  const common = {
    consistent,
    now: timeOf(context),
    lifecycle: await lifecycleOf(parts),
    beforeStop: parts.beforeStop,
    run,
    tell: context.tell,
    progress: context.progress,
  };
  return await openZfsSource(pool, id, { ...common, compression, form: { raw, largeBlocks, embedded }, verify });
}

/** Opens a container's files. @throws ToolError not-found */
export async function openTrees(parts: SourceParts<SourceRequest>): Promise<ContainerTrees> {
  const { pool, id, request, run, losses, context } = parts;
  const options = {
    consistent: request.consistent,
    now: timeOf(context),
    lifecycle: await lifecycleOf(parts),
    run,
    signal: context.signal,
    tell: context.tell,
    onLoss: (loss: Loss) => losses.add(loss),
  };
  return pool.kind === "dir" ? openDirTrees(pool, id, options) : await openZfsTrees(pool, id, options);
}

async function lifecycleOf({ pool, id, request, context }: SourceParts<SourceRequest>): Promise<Lifecycle> {
  if (!request.consistent) return { running: false, startCommand: null, stop: async () => await Promise.resolve() };
  const { stopCommand, startCommand } = request;
  const { commandLine, signal } = context;
  return await findLifecycle(pool, id, { stopCommand, startCommand, commandLine, signal });
}
