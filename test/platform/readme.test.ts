/**
 * A stranger's walk: the README's five tasks, typed as they stand there, on a zpool called tank. host2 is this machine behind a real sshd, and docker
 * is podman.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { CTAR, run, shell } from "../support/platform.ts";
import { SshServer } from "../support/ssh-server.ts";

const TIMEOUT_MS = 120_000;
const BACKUP = "/backup";
const TASKS = tasksOf(fs.readFileSync(new URL("../../README.md", import.meta.url), "utf8"));

const isHosts = process.env["CTAR_TEST_ZPOOL"] !== undefined;
const step = isHosts ? test.skip : test;
const why = isHosts ? " (skipped: the pool is the host's)" : "";

let directory = "";
let server: SshServer;
/** The files of web01, and of whatever is made of it. */
let files = "";

beforeAll(async () => {
  if (isHosts) return;
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-readme-"));
  server = await SshServer.start();
  server.writeProgram(`exec ${CTAR} "$@"`);
  const config = path.join(server.directory, "ssh_config");
  fs.writeFileSync(config, fs.readFileSync(config, "utf8").replace("Host far\n", "Host far host2\n"));
  writePrograms();
  await shell(`truncate -s 2G ${directory}/vdev; zpool create -O sync=disabled tank ${directory}/vdev; ${CTAR} init tank; mkdir ${BACKUP}`);
  await shell(`
    cd ${directory}; mkdir -p tree/etc tree/var/lib/app tree/sbin; echo web01 > tree/etc/hostname; cp /bin/true tree/sbin/init
    printf 'ID=debian\\nVERSION_ID="12"\\n' > tree/etc/os-release; seq 100000 > tree/var/lib/app/data; ln -s data tree/var/lib/app/link
    tar -C tree -cf - . | ${CTAR} import --as-id web01 -`);
  files = await filesOf("web01");
  expect(files).toContain("etc/hostname f");
}, TIMEOUT_MS);

afterAll(async () => {
  if (isHosts) return;
  await shell(`zpool destroy -f tank; rm -r ${BACKUP}`);
  await server[Symbol.asyncDispose]();
  fs.rmSync(directory, { recursive: true });
}, TIMEOUT_MS);

describe(`the README's tasks${why}`, () => {
  step("are five", () => {
    expect([...TASKS.keys()]).toEqual(["1", "2", "3", "4", "5"]);
  });

  step("1: copies", () => expectContainers("1", ["web02", "web03", "web04"]), TIMEOUT_MS);

  step("2: backs up, verifies, restores", () => expectContainers("2", ["web01-restored"]), TIMEOUT_MS);

  step(
    "3: rescues, with the pool below another root, and at home the container is there",
    async () => {
      await shell("zpool export tank");
      await walk("3");
      await shell(`zpool import -d ${directory} tank`);
      expect(await filesOf("web01-rescued")).toBe(files);
    },
    TIMEOUT_MS,
  );

  step(
    "4: lists, prints and extracts files",
    async () => {
      const stdout = await walk("4");
      expect(stdout).toMatch(/^-rw-r--r--.* etc\/hostname\n.* etc\/os-release\nweb01\n$/);
      expect(fs.readdirSync(path.join(directory, "out"), { recursive: true, encoding: "utf8" }).toSorted()).toEqual(
        ["var", "var/lib", "var/lib/app", "var/lib/app/data", "var/lib/app/link"],
      ); // prettier-ignore
      expect(await shell(`cd ${directory}; cmp out/var/lib/app/data tree/var/lib/app/data; readlink out/var/lib/app/link`)).toBe("data\n");
    },
    TIMEOUT_MS,
  );

  step(
    "5: goes to Docker and comes back",
    async () => {
      await expectContainers("5", ["web05"]);
      const images = await shell(`${directory}/bin/docker images --format '{{.Repository}}:{{.Tag}}'`);
      expect(images.trim().split("\n").toSorted()).toEqual(["docker.io/library/web:1", "docker.io/library/web:2"]);
    },
    TIMEOUT_MS,
  );
});

/** Numbers of tasks and what is to be typed. */
function tasksOf(readme: string): Map<string, string> {
  const sections = readme.split(/^##+ /m).filter((section) => /^\d+\. /.test(section));
  const typed = (section: string): string => (section.match(/^ {4}.*$/gm) ?? []).join("\n");
  return new Map(sections.map((section) => [section.slice(0, section.indexOf(".")), typed(section)]));
}

/** Programs that the README calls by name, where PATH finds them. */
function writePrograms(): void {
  const bin = path.join(directory, "bin");
  const podman = `podman --storage-driver=vfs --root=${directory}/images --runroot=${directory}/run`;
  fs.mkdirSync(bin);
  fs.symlinkSync(CTAR, path.join(bin, "ctar"));
  for (const [name, command] of [["docker", podman], ["ssh", server.ssh]] as const)
    fs.writeFileSync(path.join(bin, name), `#!/bin/sh\nPATH=\${PATH#${bin}:}\nexec ${command} "$@"\n`, { mode: 0o755 }); // prettier-ignore
}

/** Types what a task says. @returns stdout */
async function walk(task: string): Promise<string> {
  const env = { PATH: `${directory}/bin:${process.env["PATH"]}`, ZPOOL_IMPORT_PATH: directory };
  const { code, stdout, stderr } = await run(["bash", "-euo", "pipefail", "-c", `cd ${directory}\n${TASKS.get(task)}`], { env });
  if (code !== 0) throw new Error(`exit ${code}\n${stdout}${stderr}`);
  return stdout;
}

async function expectContainers(task: string, ids: readonly string[]): Promise<void> {
  await walk(task);
  for (const id of ids) expect([id, await filesOf(id)]).toEqual([id, files]);
}

/** What a container is of, a line for each file. */
async function filesOf(id: string): Promise<string> {
  return await shell(`
    [ -d /tank/ct/${id}/private ] || zfs mount tank/ct/${id}; cd /tank/ct/${id}/private
    find . -mindepth 1 -printf '%P %y %m %U:%G %Ts %l\\n' | sort; find . -type f -exec sha256sum {} + | sort`);
}
