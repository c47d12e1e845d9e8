/** Attacks by hook scripts, which run as root. */
import { CONTAINED, REFUSED, type Attack } from "../attack.ts";
import { archive, type Entry } from "../craft.ts";

const SCRIPT = "#!/bin/sh\n";

function hook(name: string, entry: Omit<Entry, "name"> & { name: string }): Attack {
  return { name, exit: REFUSED, make: () => archive({ hooks: [{ mode: 0o755, data: SCRIPT, ...entry }] }) };
}

/** The attacks. */
export const HOOKS: readonly Attack[] = [
  hook("a hook that climbs", { name: "hooks/../../../evil" }),
  hook("a hook that climbs out of a directory of hooks", { name: "hooks/pre-start.d/../../../../evil" }),
  hook("a hook called ..", { name: "hooks/pre-start.d/.." }),
  hook("a hook called .", { name: "hooks/pre-start.d/." }),
  {
    name: "a hook below an absolute name",
    exit: REFUSED,
    make: ({ path }) => archive({ hooks: [{ name: "x", data: SCRIPT, pax: { path: `hooks/${path}/dropped` } }] }),
  },
  hook("a hook that goes up and down", { name: "hooks/../hooks/pre-start" }),
  hook("a hook that forges a hint", { name: "hooks/x\nhint: forged" }),
  hook("a file with the name of a directory of hooks", { name: "hooks/pre-start.d" }),
  hook("a hook too deep", { name: "hooks/pre-start.d/a/b" }),
  hook("a hook of no kind", { name: "hooks/authorized_keys" }),
  hook("a hook below a file", { name: "hooks/pre-start/x" }),
  hook("a hook without a name", { name: "x", pax: { path: "hooks/pre-start.d/." } }),
  hook("a hook with a NUL", { name: "x", pax: { path: "hooks/pre-start.d/a\0b" } }),
  hook("a hook of 5 MiB", { name: "hooks/pre-start", data: Buffer.alloc(5 * 1024 * 1024, "#") }),
  {
    name: "5,000 hooks",
    exit: REFUSED,
    make: () => archive({ hooks: Array.from({ length: 5000 }, (_, index) => ({ name: `hooks/pre-start.d/${index}`, data: SCRIPT })) }),
  },
  {
    name: "a hook whose name is too long for a file",
    exit: REFUSED,
    make: () => archive({ hooks: [{ name: "x", pax: { path: `hooks/pre-start.d/${"n".repeat(300)}` }, data: SCRIPT }] }),
  },
  {
    name: "a hook that is set-user-ID",
    exit: CONTAINED,
    make: () => archive({ hooks: [{ name: "hooks/pre-start", mode: 0o106755, data: SCRIPT }] }),
  },
  {
    name: "a hook that is a file with the name of a directory",
    exit: CONTAINED,
    make: () => archive({ hooks: [{ name: "hooks/pre-start.d/", mode: 0o755, data: SCRIPT }] }),
  },
  {
    name: "a hook that is a disk",
    exit: CONTAINED,
    make: () => archive({ hooks: [{ name: "hooks/pre-start", mode: 0o755, typeflag: "4", device: [8, 0] }] }),
  },
  {
    name: "a hook that is a symbolic link",
    exit: CONTAINED,
    make: ({ path }) => archive({ hooks: [{ name: "hooks/pre-start", typeflag: "2", linkname: `${path}/secret` }] }),
  },
];
