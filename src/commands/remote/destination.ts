/**
 * Where `export --to` goes: `[user@]host[:pool]`, an IPv6 address in brackets.
 *
 *     web2   root@web2:tank   [fe80::1%eth0]:dir:/srv/containers
 *
 * Host and user become an argument of ssh, which would take one that begins with a hyphen for an option, and may put them into commands of its
 * configuration: they are of letters, digits and a few signs that mean nothing to a shell. Ports and the like stand in ssh_config.
 */
import { ToolError } from "../../errors.ts";
import { parseDatasetName } from "../../zfs/name.ts";

/** A host, and a pool there. */
export interface Destination {
  /** `[user@]host`, as ssh takes it. */
  readonly login: string;
  /** What messages call the host. */
  readonly host: string;
  /** Undefined: the only one there is. */
  readonly pool: string | undefined;
}

const USER = /^[A-Za-z0-9_.+][A-Za-z0-9_.+@-]*$/;
const HOST = /^[A-Za-z0-9_][A-Za-z0-9_.+-]*$/;
const ADDRESS = /^[0-9A-Fa-f:.]+(%[A-Za-z0-9_.-]+)?$/;

/** Reads a destination. @throws ToolError usage */
export function parseDestination(text: string): Destination {
  // no bracket and no colon can be in a user's name, and no @ in a host's; a directory may hold all of them
  const [, user, address, name, pool] = /^(?:([^:[\]]*)@)?(?:\[([^\]]*)\]|([^:@[\]]*))(?::(.*))?$/s.exec(text) ?? [];
  const host = address ?? name ?? "";
  const fail = (reason: string, hints: readonly string[] = []): never => {
    throw new ToolError("usage", `Cannot export to "${text}": ${reason}`, {
      hints: [...hints, "--to [user@]host[:pool], as in root@host2:tank"],
    });
  };
  if (!(address === undefined ? HOST : ADDRESS).test(host)) fail(host === "" ? "it names no host" : `"${host}" is no host's name`);
  if (user !== undefined && !USER.test(user)) fail(`"${user}" is no user's name`);
  if (pool !== undefined) checkPool(pool, fail);
  return { login: user === undefined ? host : `${user}@${host}`, host, pool };
}

function checkPool(pool: string, fail: (reason: string, hints?: readonly string[]) => never): void {
  if (pool === "") fail("no pool follows the colon");
  if (pool.startsWith("dir:"))
    return pool.startsWith("dir:/") ? undefined : fail("a directory there is named by its whole path, dir:/path");
  if (pool.startsWith("//")) fail("it is no URL", ["A port stands in ssh_config(5)"]);
  if (pool.startsWith("/")) fail(`"${pool}" is no pool`, [`A directory is dir:${pool}`]);
  if (/^\d+$/.test(pool)) fail(`"${pool}" is no pool`, ["A port stands in ssh_config(5)"]);
  if (pool.includes("/")) fail(`"${pool}" is no pool`);
  parseDatasetName(pool);
}
