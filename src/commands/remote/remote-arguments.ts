/** The options of an export that goes to another host, and what they exclude. */
import { ToolError } from "../../errors.ts";
import type { Context } from "../context.ts";
import type { ProgressArguments } from "../telling/progress.ts";
import { RemoteImport } from "./remote-import.ts";

/** The options. */
export const REMOTE_ARGS = {
  to: {
    type: "string",
    valueHint: "[USER@]HOST[:POOL]",
    description: "Over ssh into ctar import there, instead of an archive; the pool as tank or dir:/path",
  },
  bootstrap: { type: "boolean", description: "With --to: copy this ctar there for the time of the import, if there is none" },
  asId: { type: "string", valueHint: "CTID", description: "With --to: id of the new container; this one's if left out" },
  asUser: { type: "string", valueHint: "USER", description: "With --to: a user of the pool there" },
  asGroup: { type: "string", valueHint: "GROUP", description: "With --to: a group of the pool there" },
  map: { type: "enum", options: ["archive", "auto"], description: "With --to: a new user's ids there as here, or a free block" },
  missingDevices: {
    type: "enum",
    options: ["check", "provide", "remove"],
    description: "With --to: devices that the group there lacks: refuse, add, leave out",
  },
} as const;

/** Values of those. */
export interface RemoteArguments {
  to?: string | undefined;
  bootstrap: boolean;
  asId?: string | undefined;
  asUser?: string | undefined;
  asGroup?: string | undefined;
  map?: "archive" | "auto" | undefined;
  missingDevices?: "check" | "provide" | "remove" | undefined;
}

/** What of a request they concern. */
interface Request extends RemoteArguments {
  readonly ctid: string;
  readonly archive?: string | undefined;
  readonly format?: string | undefined;
  readonly progress?: ProgressArguments["progress"];
}

/** The import on another host that an export asks for, not yet connected; undefined if it asks for none. @throws ToolError usage */
export function remoteImportOf(request: Request, context: Context): RemoteImport | undefined {
  const { to, archive, format, bootstrap, asId, asUser, asGroup, map, missingDevices } = request;
  if (to === undefined) {
    const isGiven = bootstrap || [asId, asUser, asGroup, map, missingDevices].some((value) => value !== undefined);
    if (isGiven)
      throw new ToolError("usage", "Cannot use --bootstrap, --as-id and the like: they go with --to", {
        hints: ["ctar import --as-id ..."],
      });
    return undefined;
  }
  const fail = (reason: string): never => {
    throw new ToolError("usage", `Cannot export to "${to}": ${reason}`);
  };
  if (archive !== undefined) fail(`there is an archive, too, "${archive}"`);
  if (format !== undefined && format !== "zfs" && format !== "tar") fail(`format "${format}" is no whole container; zfs and tar are`);
  return new RemoteImport({ ...request, to }, context);
}
