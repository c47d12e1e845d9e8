import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseContainerConfig } from "../../src/config/container.ts";
import { parseGroupConfig } from "../../src/config/group.ts";
import { encodeIdRange, parseIdRange } from "../../src/config/id-range.ts";
import { encodeUserConfig, parseUserConfig } from "../../src/config/user.ts";
import { dumpYaml } from "../../src/yaml/dump.ts";
import { example } from "../support/archive.ts";

const FILES = readdirSync(join(import.meta.dirname, "../fixtures/examples"), { recursive: true, encoding: "utf8" }).toSorted();
/** The two whose files are of older forms. */
const OLD = /^0[67]-/;

function files(pattern: RegExp): string[] {
  return FILES.filter((file) => pattern.test(file) && !OLD.test(file));
}

const CONTAINERS = files(/config\/container\.yml$|conf\/ct\/.*\.yml$/);
const USERS = files(/config\/user\.yml$|conf\/user\/.*\.yml$/);
const GROUPS = files(/config\/group\.yml$|conf\/group\/.*\.yml$/);

describe("examples in today's form are read and stay as they are:", () => {
  test("all of them are found", () => {
    expect([CONTAINERS.length, USERS.length, GROUPS.length]).toEqual([9, 5, 8]);
  });

  test.each(CONTAINERS)("%s", (file) => {
    expect(dumpYaml(parseContainerConfig(example(file), file))).toBe(example(file).toString());
  });

  test.each(USERS)("%s", (file) => {
    const { maps, config } = parseUserConfig(example(file), file);
    expect(dumpYaml(config)).toBe(example(file).toString());
    expect(encodeUserConfig(maps, { standalone: false, from: config })).toBe(example(file).toString());
  });

  test.each(GROUPS)("%s", (file) => {
    expect(dumpYaml(parseGroupConfig(example(file), file, { root: file.endsWith("conf/group/config.yml") }))).toBe(
      example(file).toString(),
    );
  });

  test("pool-on-disk/conf/id-range/default.yml", () => {
    const text = example("pool-on-disk/conf/id-range/default.yml");
    expect(encodeIdRange(parseIdRange(text, "default.yml"))).toBe(text.toString());
  });
});

describe("examples of older forms are brought into today's:", () => {
  test("06-openvz-converter-tar", () => {
    const container = example("06-openvz-converter-tar/config/container.yml").toString();
    expect(dumpYaml(parseContainerConfig(Buffer.from(container), "container.yml"))).toBe(
      container
        .replace("- subsystem: memory\n", "- version: 1\n  subsystem: memory\n")
        .replace("  - 536870912\n", "  - 536870912\n  persistent: true\n")
        .replace("prlimits: []", "prlimits: {}"),
    );
    expect(dumpYaml(parseUserConfig(example("06-openvz-converter-tar/config/user.yml"), "user.yml").config)).toBe(
      "---\nuid_map:\n- 0:666000:65536\ngid_map:\n- 0:666000:65536\nstandalone: true\nattrs: {}\n",
    );
    expect(dumpYaml(parseGroupConfig(example("06-openvz-converter-tar/config/group.yml"), "group.yml"))).toBe(
      "---\ncgparams: []\ndevices: []\nattrs: {}\n",
    );
  });

  test("07-legacy-2018-shapes", () => {
    const container = example("07-legacy-2018-shapes/config/container.yml").toString();
    expect(dumpYaml(parseContainerConfig(Buffer.from(container), "container.yml"))).toBe(
      container
        .replace("  via:\n    4: 10.100.10.100/30\n", "")
        .replace(
          "    4:\n    - 192.0.2.77/32\n    6: []\n",
          "    v4:\n    - 192.0.2.77/32\n    v6: []\n  routes:\n    v4:\n    - 192.0.2.77/32\n    v6: []\n",
        ) // prettier-ignore
        .replace("- name: nofile\n  soft: 1024\n  hard: 4096\n", "  nofile:\n    soft: 1024\n    hard: 4096\n"),
    );
    expect(dumpYaml(parseUserConfig(example("07-legacy-2018-shapes/config/user.yml"), "user.yml").config)).toBe(
      "---\nuid_map:\n- 0:666000:65536\ngid_map:\n- 0:666000:65536\nstandalone: true\nattrs: {}\n",
    );
    expect(dumpYaml(parseGroupConfig(example("07-legacy-2018-shapes/config/group.yml"), "group.yml"))).toBe(
      "---\ncgparams:\n- version: 1\n  subsystem: memory\n  name: memory.limit_in_bytes\n  value:\n  - 1073741824\n  persistent: true\ndevices: []\nattrs: {}\n",
    );
  });
});
