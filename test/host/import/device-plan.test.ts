import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { parseContainerConfig } from "../../../src/config/container.ts";
import { describeDevice, devicesOf } from "../../../src/config/device.ts";
import { grantDevice, hasGrant, revokeDevice } from "../../../src/host/config-edit.ts";
import { planDevices, type DevicePlan, type MissingDevices } from "../../../src/host/import/device-plan.ts";
import { planGroup, type GroupPlan } from "../../../src/host/import/group-plan.ts";
import type { YamlMap } from "../../../src/yaml/value.ts";
import { bytesOf, messageOf, PoolFiles } from "../../support/pool-files.ts";

const KVM = "- type: char\n  major: '10'\n  minor: '232'\n  mode: rwm\n  name: \"/dev/kvm\"\n  inherit: true\n  inherited: false\n";
const FUSE = "- type: char\n  major: '10'\n  minor: '229'\n  mode: rwm\n  name: \"/dev/fuse\"\n  inherit: false\n  inherited: false\n";
const NULL = "- type: char\n  major: '1'\n  minor: '3'\n  mode: rw\n  name: \"/dev/null\"\n  inherit: true\n  inherited: false\n";

let files: PoolFiles;
beforeEach(() => {
  files = new PoolFiles();
});
afterEach(() => files[Symbol.dispose]());

function containerWith(...devices: string[]): YamlMap {
  return parseContainerConfig(bytesOf(`---\ndevices:\n${devices.join("")}`), "container.yml");
}

function groupConfig(...devices: string[]): string {
  return `---\ncgparams: []\ndevices:${devices.length === 0 ? " []" : `\n${devices.join("").trimEnd()}`}\nattrs: {}\n`;
}

function plan(container: YamlMap, missing: MissingDevices, group: GroupPlan = { name: "/default", create: [] }): DevicePlan {
  return planDevices(files.pool, group, container, missing);
}

/** Grants as `group: device`, with what was before. */
function grantsOf({ grants }: DevicePlan): string[] {
  return grants.map(({ group, device, before }) => `${group}: ${describeDevice(device)}${device.inherit ? " inherit" : ""} was ${before}`);
}

describe("planDevices", () => {
  test("lets pass what the root group gives to all", () => {
    expect(grantsOf(plan(containerWith(NULL), "check"))).toEqual([]);
  });

  test("check refuses a device that the group lacks, in upstream's words", () => {
    expect(messageOf(() => plan(containerWith(FUSE), "check"))).toBe(
      'Cannot give the container its devices: device "c 10:229 rwm" is not available in group "/default"',
    );
  });

  test("check refuses a device that the group has with a narrower mode", () => {
    files.write("conf/group/default/config.yml", groupConfig(FUSE.replace("rwm", "r")));
    expect(messageOf(() => plan(containerWith(FUSE), "check"))).toBe(
      'Cannot give the container its devices: group "/default" provides only mode "r" for device "c 10:229 rwm"',
    );
  });

  test("does not see a parent's device that is not marked to be inherited", () => {
    files.write("conf/group/a/config.yml", groupConfig(FUSE));
    files.write("conf/group/a/b/config.yml", groupConfig());
    expect(messageOf(() => plan(containerWith(FUSE), "check", { name: "/a/b", create: [] }))).toContain('not available in group "/a/b"');
    files.write("conf/group/a/config.yml", groupConfig(KVM));
    expect(grantsOf(plan(containerWith(KVM), "check", { name: "/a/b", create: [] }))).toEqual([]);
  });

  test("provide adds the device to the group and all above it, not to be inherited", () => {
    expect(grantsOf(plan(containerWith(FUSE), "provide"))).toEqual(["/: c 10:229 rwm was null", "/default: c 10:229 rwm was null"]);
  });

  test("provide widens modes where the device is there, and keeps whether it is inherited", () => {
    files.write("conf/group/default/config.yml", groupConfig(KVM.replace("rwm", "r")));
    expect(grantsOf(plan(containerWith(KVM), "provide"))).toEqual(["/: c 10:232 rwm was null", "/default: c 10:232 rwm inherit was r"]);
  });

  test("remove leaves out what the group lacks, and nothing else", () => {
    const container = containerWith(FUSE, NULL, KVM);
    const { grants, removed } = plan(container, "remove");
    expect([grants.length, removed]).toEqual([0, ["c 10:229 rwm", "c 10:232 rwm"]]);
    expect(devicesOf(container).map(describeDevice)).toEqual(["c 1:3 rw"]);
  });

  test("asks for the devices of a group that is made, too, and those of its container from it", () => {
    const group = planGroup(files.pool, { archived: "/new/one", archivedConfig: bytesOf(groupConfig(FUSE)), asGroup: undefined });
    expect(messageOf(() => plan(containerWith(), "check", group))).toContain('device "c 10:229 rwm" is not available in group "/new"');
    const granted = planGroup(files.pool, { archived: "/new/one", archivedConfig: bytesOf(groupConfig(FUSE)), asGroup: undefined });
    expect(grantsOf(plan(containerWith(FUSE), "provide", granted))).toEqual(["/: c 10:229 rwm was null"]);
    expect(granted.create.map(({ name, config }) => [name, devicesOf(config).map(describeDevice)])).toEqual([
      ["/new", ["c 10:229 rwm"]],
      ["/new/one", ["c 10:229 rwm"]],
    ]);
  });
});

describe("grantDevice and revokeDevice", () => {
  test("give the group its file back as it was", () => {
    const before = [files.read("conf/group/config.yml"), files.read("conf/group/default/config.yml")];
    const { grants } = plan(containerWith(FUSE, NULL.replace("rw\n", "rwm\n")), "provide");
    for (const grant of grants) grantDevice(files.pool, grant);
    expect(files.read("conf/group/default/config.yml")).toContain("/dev/fuse");
    expect(grants.every((grant) => hasGrant(files.pool, grant))).toBe(true);
    for (const grant of grants.toReversed()) revokeDevice(files.pool, grant);
    expect([files.read("conf/group/config.yml"), files.read("conf/group/default/config.yml")]).toEqual(before);
  });

  test("leave alone what somebody changed meanwhile", () => {
    const [grant] = plan(containerWith(FUSE), "provide").grants;
    if (grant === undefined) throw new Error("no grant");
    grantDevice(files.pool, grant);
    files.write("conf/group/config.yml", groupConfig(FUSE.replace("rwm", "r")));
    revokeDevice(files.pool, grant);
    expect(files.read("conf/group/config.yml")).toBe(groupConfig(FUSE.replace("rwm", "r")));
  });
});
