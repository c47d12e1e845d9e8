/** `ctar export --to` from one zpool to another, through a real sshd on loopback. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { createContainer, CTAR, ctar, listTraces, POOL, ScratchPool, shell, type Finished } from "../support/platform.ts";
import { SshServer, until } from "../support/ssh-server.ts";
import { listTree } from "../support/tree-listing.ts";
import { writeScript } from "../support/zfs-log.ts";

const TIMEOUT_MS = 120_000;
const ID = "live";
const FAR = "ctarfar";
const DATA = `/${POOL}/ct/${ID}/private`;

let pool: ScratchPool;
let server: SshServer;
let log: string;

beforeAll(async () => {
  pool = await ScratchPool.create();
  server = await SshServer.start();
  server.writeProgram(`exec ${CTAR} "$@"`);
  log = path.join(pool.directory, "log");
  const vdev = path.join(pool.directory, "far");
  await shell(`truncate -s 512M ${vdev}; zpool create -O sync=disabled ${FAR} ${vdev}; $CTAR init ${FAR}`);
  await createContainer(ID, ["srv"]);
  await shell(`head -c 4000000 /dev/urandom > ${DATA}/data; head -c 4000000 /dev/urandom > /${POOL}/ct/${ID}/srv/private/data`);
}, TIMEOUT_MS);

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  await shell(`zpool destroy -f ${FAR}`);
  await pool?.[Symbol.asyncDispose]();
}, TIMEOUT_MS);

beforeEach(() => fs.writeFileSync(log, ""));

/** Exports the container, which its commands stop and start. @param cutAt the ssh is killed by the zfs, or the command, whose words match */
async function exportLive(args: readonly string[], cutAt = "^$"): Promise<Finished & { log: string }> {
  const cut = `words="$0 $*" pattern='${cutAt}'; [[ ! $words =~ $pattern ]] || kill -KILL "$(cat ${server.pidFile})"`;
  const command = (name: string, what: string): string => {
    const file = path.join(pool.directory, name);
    writeScript(file, `${cut}; ${what}`);
    return file;
  };
  const options = [
    `--stop-command=${command("stop", `echo stop >> ${log}; echo late > ${DATA}/late`)}`,
    `--start-command=${command("start", `echo start >> ${log}`)}`,
  ];
  const zfs = command("zfs", `exec zfs "$@"`);
  const finished = await ctar(["export", "--pool", POOL, ID, ...options, ...args], { env: { CTAR_SSH: server.ssh, CTAR_ZFS: zfs } });
  return { ...finished, log: fs.readFileSync(log, "utf8") };
}

describe("ctar export --to another zpool", () => {
  test(
    "makes the container there, with what changed until it stood still",
    async () => {
      const { code, stderr, log: commands } = await exportLive(["--to", `far:${FAR}`]);
      expect([code, stderr, commands]).toEqual([
        0,
        expect.stringMatching(/; there it is "live" on pool "ctarfar", checked against its manifest\n$/),
        "stop\nstart\n",
      ]);
      await shell(`for dataset in ${ID} ${ID}/srv; do zfs mount ${FAR}/ct/$dataset; done`);
      const far = `/${FAR}/ct/${ID}`;
      expect(fs.readFileSync(`${far}/private/late`, "utf8")).toBe("late\n");
      expect(await listTree(`${far}/srv/private`)).toEqual(await listTree(`/${POOL}/ct/${ID}/srv/private`));
      expect([await listTraces(), await listTraces(FAR)]).toEqual([[], []]);
    },
    TIMEOUT_MS,
  );

  test(
    "does not stop a container that the other host refuses",
    async () => {
      const { code, stderr, log: commands } = await exportLive(["--to", `far:${FAR}`]);
      expect([code, stderr, commands]).toEqual([
        1,
        expect.stringContaining(`Cannot import container "${ID}": it exists on pool "${FAR}"`),
        "",
      ]);
      expect([await listTraces(), await listTraces(FAR)]).toEqual([[], []]);
    },
    TIMEOUT_MS,
  );

  test.each([
    ["between the datasets", " send (-c )?[a-z]+/ct/live/srv@osctl-base-", ""],
    ["while the container is stopped", "/stop ", "stop\nstart\n"],
  ])(
    "leaves nothing when the connection is cut %s",
    async (_, cutAt, expected) => {
      const { code, stderr, log: commands } = await exportLive(["--to", `far:${FAR}`, "--as-id", "new"], cutAt);
      expect([code, stderr]).toEqual([1, expect.stringContaining("the connection was lost")]);
      expect([commands, await listTraces()]).toEqual([expected, []]);
      await until(() => server.processes().length === 0, "the end of the session");
      expect(await listTraces(FAR)).toEqual([]);
      expect(await shell(`zfs list -H -o name -r ${FAR}/ct`)).toBe(`${FAR}/ct\n${FAR}/ct/${ID}\n${FAR}/ct/${ID}/srv\n`);
    },
    TIMEOUT_MS,
  );
});
