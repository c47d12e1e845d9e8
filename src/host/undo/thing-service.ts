/** What was asked of osctld, or of the operator's commands, on the way. */
import * as fs from "node:fs";
import { ToolError } from "../../errors.ts";
import { containerFile } from "../container.ts";
import { runLifecycleCommand } from "../export/lifecycle-command.ts";
import { connectOsctld, type Osctld } from "../osctld/osctld.ts";
import { deleteGroup, deleteUser } from "../osctld/osctld-accounts.ts";
import type { Pool } from "../pool.ts";
import type { ServiceThing, ThingKinds } from "./thing.ts";

/** How services are undone. */
export const SERVICE_KINDS: ThingKinds<ServiceThing> = {
  stopped: {
    undo: async (thing, pool) => await startAgain(thing, pool),
    exists: () => true,
    describe: ({ container }) => `container "${container}" was stopped and not started again`,
  },
  "osctld-user": {
    undo: async ({ name }, pool) => await withOsctld(`delete user "${name}"`, async (osctld) => await deleteUser(osctld, pool.name, name)),
    exists: () => true,
    describe: ({ name }) => `user "${name}", made by osctld`,
  },
  "osctld-group": {
    undo: async ({ name }, pool) =>
      await withOsctld(`delete group "${name}"`, async (osctld) => await deleteGroup(osctld, pool.name, name)),
    exists: () => true,
    describe: ({ name }) => `group "${name}", made by osctld`,
  },
  adoption: {
    undo: async ({ container }, pool) => await checkForgotten(pool, container),
    exists: () => true,
    describe: ({ container }) => `container "${container}", which osctld may have taken over`,
  },
};

async function startAgain({ container, startCommand }: ServiceThing & { is: "stopped" }, pool: Pool): Promise<void> {
  if (startCommand !== null) return await runLifecycleCommand(startCommand, `start container "${container}"`);
  await withOsctld(`start container "${container}"`, async (osctld) => await osctld.startContainer(pool.name, container));
}

/** Only when osctld does not know the container may its data be removed. */
async function checkForgotten(pool: Pool, container: string): Promise<void> {
  using osctld = await connectOsctld({ cli: "ctar" });
  const known = osctld === undefined ? fs.existsSync(containerFile(pool, container)) : await osctld.showContainer(pool.name, container);
  if (known === undefined || known === false) return;
  throw new ToolError("failed", `Cannot give up container "${container}": osctld knows it, its data stays`, {
    hints: [`osctl ct show ${pool.name}:${container}`, `osctl ct del --force ${pool.name}:${container}`],
  });
}

async function withOsctld(action: string, use: (osctld: Osctld) => Promise<void>): Promise<void> {
  using osctld = await connectOsctld({ cli: "ctar" });
  if (osctld === undefined) throw new ToolError("failed", `Cannot ${action}: osctld does not answer`);
  await use(osctld);
}
