import { describe, expect, test } from "bun:test";
import { parseContainerConfig } from "../../src/config/container.ts";
import { describeDevice, devicesOf, joinModes, providesMode, sameDevice, setDevices, type Device } from "../../src/config/device.ts";
import { dumpYaml } from "../../src/yaml/dump.ts";
import { YamlMap } from "../../src/yaml/value.ts";
import { example } from "../support/archive.ts";

const NULL: Device = { type: "char", major: "1", minor: "3", mode: "rwm", name: "/dev/null", inherit: true };

test("devicesOf reads the devices of a container, and of one that has none", () => {
  const config = parseContainerConfig(example("01-full-zfs-consistent/config/container.yml"), "container.yml");
  expect(devicesOf(config)).toEqual([
    { type: "char", major: "10", minor: "200", mode: "rwm", name: "/dev/net/tun", inherit: true },
    { type: "block", major: "7", minor: "*", mode: "rwm", name: null, inherit: false },
  ]);
  expect(devicesOf(new YamlMap())).toEqual([]);
});

test("setDevices writes them as osctld does, in the place of those that were there", () => {
  const text = example("pool-on-disk/conf/ct/web01.yml");
  const config = parseContainerConfig(text, "web01.yml");
  setDevices(config, devicesOf(config));
  expect(dumpYaml(config)).toBe(text.toString());
  const group = new YamlMap();
  setDevices(group, [{ ...NULL, name: null }]);
  expect(dumpYaml(group)).toBe(
    "---\ndevices:\n- type: char\n  major: '1'\n  minor: '3'\n  mode: rwm\n  name:\n  inherit: true\n  inherited: false\n",
  );
});

test.each<[Partial<Device>, boolean]>([
  [{ mode: "r", name: null, inherit: false }, true],
  [{ type: "block" }, false],
  [{ major: "2" }, false],
  [{ minor: "*" }, false],
])("sameDevice of /dev/null and %j", (changes, same) => {
  expect(sameDevice(NULL, { ...NULL, ...changes })).toBe(same);
});

test.each([
  ["rwm", "rm", true],
  ["m", "m", true],
  ["r", "rw", false],
  ["wm", "r", false],
])("providesMode: %p provides %p", (have, want, provides) => {
  expect(providesMode(have, want)).toBe(provides);
});

describe("modes", () => {
  test.each([
    ["m", "r", "rm"],
    ["rw", "wm", "rwm"],
    ["mwr", "", "rwm"],
  ])("joinModes of %p and %p", (one, other, both) => {
    expect(joinModes(one, other)).toBe(both);
  });

  test("describeDevice writes them behind type and numbers", () => {
    expect(describeDevice(NULL)).toBe("c 1:3 rwm");
    expect(describeDevice({ ...NULL, type: "block", minor: "*", mode: "m" })).toBe("b 1:* m");
  });
});
