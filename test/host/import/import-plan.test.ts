import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { planImport, type ImportChoices, type ImportedHead, type ImportPlan } from "../../../src/host/import/import-plan.ts";
import { dumpYaml } from "../../../src/yaml/dump.ts";
import { bytesOf, messageOf, PoolFiles, userConfig } from "../../support/pool-files.ts";

const CONTAINER = `---
user: old
group: "/old"
incarnation_id: 6f1b6a43-52b5-4a1e-9d5c-7c0d3a3e5b11
dataset: elsewhere/ct/web01
map_mode: native
distribution: debian
version: '12'
devices: []
mounts:
- fs: "/srv/data"
  dataset:
  mountpoint: "/data"
  type: bind
  opts: bind,rw
  automount: true
  temporary: false
- fs:
  dataset: srv
  mountpoint: "/srv"
  type: bind
  opts: bind,create=dir,rw
  automount: true
  temporary: false
nesting: true
seccomp_profile: "/etc/lxc/config/none.seccomp"
raw:
  lxc: lxc.cap.drop =
attrs:
  org.vpsadminos.osctl:declarative: 'yes'
  org.example:owner: team web
future_key:
  a: 1
state: staged
send_log:
  role: source
local_transfer_log: {}
`;

let files: PoolFiles;
beforeEach(() => {
  files = new PoolFiles();
});
afterEach(() => files[Symbol.dispose]());

function plan(
  choices: Partial<ImportChoices> = {},
  head: Partial<Omit<ImportedHead, "metadata">> & { metadata?: Partial<ImportedHead["metadata"]> } = {},
): ImportPlan {
  return planImport(
    files.pool,
    {
      containerConfig: bytesOf(CONTAINER),
      userConfig: bytesOf(userConfig("0:1065536:65536")),
      groupConfig: bytesOf("---\ncgparams: []\ndevices: []\nattrs: {}\n"),
      hooks: [{ name: "pre-start", mode: 0o100755, content: bytesOf("#!/bin/sh\n") }],
      ...head,
      metadata: { format: "zfs", container: "web01", user: "web01", group: "/gold", datasets: ["srv"], ...head.metadata },
    },
    {
      asId: undefined,
      asUser: undefined,
      asGroup: undefined,
      map: "archive",
      mapMode: undefined,
      missingDevices: "check",
      hooks: true,
      untrusted: false,
      ...choices,
    },
  );
}

describe("planImport", () => {
  test("rewrites what names the old place, drops what was momentary, keeps all else in its order", () => {
    const { id, config, mapMode, omissions } = plan();
    expect([id, mapMode, omissions]).toEqual(["web01", "native", []]);
    const kept = CONTAINER.replace("user: old", "user: web01")
      .replace("/old", "/gold")
      .replace(/incarnation_id: .*\n/, "");
    expect(dumpYaml(config)).toBe(kept.slice(0, kept.indexOf("state: staged")));
  });

  test("puts user, group and dataset first where a repository image names none", () => {
    const image = bytesOf("---\ndistribution: alpine\nversion: '3.20'\n");
    const { config, user, group } = plan(
      { asId: "a1" },
      { containerConfig: image, hooks: [], metadata: { container: null, user: null, group: null } },
    );
    expect(dumpYaml(config)).toBe(`---\nuser: a1\ngroup: "/default"\ndataset:\ndistribution: alpine\nversion: '3.20'\n`);
    expect([user.name, user.create?.standalone, group.create]).toEqual(["a1", false, []]);
  });

  test("takes --map-mode", () => {
    expect(plan({ mapMode: "zfs" }).config.get("map_mode")).toBe("zfs");
  });

  test("drops from a copy what would make the system's configuration collect it", () => {
    const { config, omissions } = plan({ asId: "web02" });
    expect(omissions).toEqual(['attribute "org.vpsadminos.osctl:declarative"']);
    expect(dumpYaml(config)).not.toContain("declarative");
    expect(dumpYaml(config)).toContain("org.example:owner: team web\n");
  });

  test("leaves out hooks on request", () => {
    const { hooks, omissions } = plan({ hooks: false });
    expect([hooks.length, omissions]).toEqual([0, ["1 hook(s)"]]);
  });

  test("of an untrusted archive takes nothing that reaches beyond the container, and says what it left out", () => {
    const device = "- type: block\n  major: '8'\n  minor: '0'\n  mode: rwm\n  name:\n  inherit: true\n";
    const { config, hooks, user, group, omissions } = plan(
      { untrusted: true },
      {
        containerConfig: bytesOf(CONTAINER.replace("devices: []", `devices:\n${device.trimEnd()}`)),
        groupConfig: bytesOf(`---\ncgparams: []\ndevices:\n${device}attrs: {}\n`),
        userConfig: bytesOf(userConfig("0:0:65536")),
      },
    );
    expect(omissions).toEqual([
      "1 mount(s) of the host",
      "1 device(s)",
      "raw LXC configuration",
      "its seccomp profile",
      "nesting",
      "1 device(s)",
      "1 hook(s)",
    ]);
    expect([hooks.length, user.maps.uid]).toEqual([0, [{ nsId: 0, hostId: 1_000_000, count: 65_536 }]]);
    const text = dumpYaml(config);
    for (const gone of ["/srv/data", "lxc.cap.drop", "none.seccomp", "nesting: true", "block"]) expect(text).not.toContain(gone);
    expect(text).toContain("dataset: srv\n");
    expect(group.create.map((created) => dumpYaml(created.config))).toEqual(["---\ncgparams: []\ndevices: []\nattrs: {}\n"]);
  });

  test.each([
    ["an id that is none", { asId: "a/b" }, {}, 'Cannot use container id "a/b": '],
    ["no id at all", {}, { metadata: { container: null } }, "Cannot choose a container id: the archive names none"],
    ["a hook that climbs out", {}, { hooks: [{ name: "../x", mode: 0o755, content: new Uint8Array(0) }] }, 'Cannot import hook "../x": '],
    [
      "a configuration that osctld would not survive",
      {},
      { containerConfig: bytesOf("---\nnet_interfaces:\n- type: tap\n  name: eth0\n") },
      'Cannot read "config/container.yml": ',
    ],
    ["a group name that climbs out", {}, { metadata: { group: "/../x" } }, 'Cannot import as group "/../x": '],
  ])("refuses %s", (_what, choices, head, message) => {
    expect(messageOf(() => plan(choices, head)).slice(0, message.length)).toBe(message);
  });
});
