import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { formatIdMap } from "../../../src/config/user.ts";
import { planUser, type UserPlan, type UserRequest } from "../../../src/host/import/user-plan.ts";
import { bytesOf, messageOf, PoolFiles, userConfig } from "../../support/pool-files.ts";

let files: PoolFiles;
beforeEach(() => {
  files = new PoolFiles();
});
afterEach(() => files[Symbol.dispose]());

function plan(request: Partial<UserRequest>): UserPlan {
  const asked = {
    archived: "web01",
    archivedConfig: undefined,
    containerId: "web01",
    asUser: undefined,
    map: "archive",
    ...request,
  } as const;
  return planUser(files.pool, asked);
}

function mapOf({ maps }: UserPlan): string {
  return formatIdMap(maps.uid);
}

describe("planUser with the archive's map", () => {
  test("makes a user with attributes, standalone and unknown keys kept, and notes the block its map lies on", () => {
    const config = bytesOf(
      "---\nugid: 5000\nuid_map:\n- 0:1065536:65536\ngid_map:\n- 0:1065536:65536\nstandalone: true\nattrs:\n  org.example:a: b\nnew_key: 1\n",
    );
    const { name, create } = plan({ archivedConfig: config });
    expect(name).toBe("web01");
    expect(create?.standalone).toBe(true);
    expect(create?.allocations).toEqual([{ range: "default", blockIndex: 1, blockCount: 1 }]);
    expect(create?.content).toContain("standalone: true\n");
    expect(create?.content).toContain("org.example:a: b\n");
    expect(create?.content).toContain("new_key: 1\n");
    expect(create?.content).not.toContain("ugid");
  });

  test("notes no block for a map outside all ranges", () => {
    expect(plan({ archivedConfig: bytesOf(userConfig("0:666000:65536")) }).create?.allocations).toEqual([]);
  });

  test("uses a user of the pool with the same maps", () => {
    files.user("web01", "0:1065536:65536");
    const user = plan({ archivedConfig: bytesOf(userConfig("0:1065536:65536")) });
    expect([user.create, mapOf(user)]).toEqual([undefined, "0:1065536:65536"]);
  });

  test.each([
    [
      "the user's own map differs",
      () => files.user("web01", "0:1000000:65536"),
      'Cannot import user "web01": it exists with uid map 0:1000000:65536, the archive has 0:1065536:65536',
    ],
    [
      "another user has some of its ids",
      () => files.user("db01", "0:1100000:65536"),
      'Cannot import user "web01": its id map 0:1065536:65536 overlaps user "db01"',
    ],
    [
      "an allocation of an ID range covers it",
      () =>
        files.write(
          "conf/id-range/vip.yml",
          "---\nstart_id: 1065536\nblock_size: 65536\nblock_count: 4\nallocations:\n- block_index: 0\n  block_count: 2\n  owner: user:db01\nattrs: {}\n",
        ),
      'Cannot import user "web01": its id map 0:1065536:65536 overlaps an allocation of ID range "vip" for user:db01',
    ],
  ])("refuses when %s", (_what, arrange, message) => {
    arrange();
    expect(messageOf(() => plan({ archivedConfig: bytesOf(userConfig("0:1065536:65536")) }))).toBe(message);
  });

  test("refuses a map that gives the container root's id on the host", () => {
    expect(messageOf(() => plan({ archivedConfig: bytesOf(userConfig("0:0:65536")) }))).toContain(
      "gives the container root's id on the host",
    );
  });

  test("takes an allocation that is there for the same user already as its own", () => {
    files.write(
      "conf/id-range/default.yml",
      "---\nstart_id: 1000000\nblock_size: 65536\nblock_count: 65520\nallocations:\n- block_index: 1\n  block_count: 1\n  owner: user:web01\nattrs: {}\n",
    );
    expect(plan({ archivedConfig: bytesOf(userConfig("0:1065536:65536")) }).create?.allocations).toEqual([]);
  });

  test("refuses an archive without user.yml whose user the pool does not have, and uses the pool's where it has", () => {
    expect(messageOf(() => plan({}))).toBe('Cannot import user "web01": the archive has no "config/user.yml"');
    files.user("web01", "0:1000000:65536");
    expect(mapOf(plan({}))).toBe("0:1000000:65536");
  });
});

describe("planUser with --map auto", () => {
  test("takes the lowest block that neither the table nor any user's map holds", () => {
    files.write(
      "conf/id-range/default.yml",
      "---\nstart_id: 1000000\nblock_size: 65536\nblock_count: 65520\nallocations:\n- block_index: 0\n  block_count: 1\n  owner: user:db01\nattrs: {}\n",
    );
    files.user("unregistered", "0:1065536:65536");
    const user = plan({ archivedConfig: bytesOf(userConfig("0:1000000:65536")), map: "auto" });
    expect(mapOf(user)).toBe(`0:${1_000_000 + 2 * 65_536}:65536`);
    expect(user.create?.allocations).toEqual([{ range: "default", blockIndex: 2, blockCount: 1 }]);
  });

  test("takes as many blocks as the archive's map reaches", () => {
    const user = plan({ archivedConfig: bytesOf(userConfig("0:5000000:100000")), map: "auto" });
    expect(mapOf(user)).toBe("0:1000000:131072");
    expect(user.create?.allocations).toEqual([{ range: "default", blockIndex: 0, blockCount: 2 }]);
  });

  test("says so when the range is full", () => {
    files.write(
      "conf/id-range/default.yml",
      "---\nstart_id: 1000000\nblock_size: 65536\nblock_count: 1\nallocations:\n- block_index: 0\n  block_count: 1\n  owner: user:db01\nattrs: {}\n",
    );
    expect(messageOf(() => plan({ archivedConfig: bytesOf(userConfig("0:1:65536")), map: "auto" }))).toContain(
      'ID range "default" has no 1 free blocks',
    );
  });

  test("takes the map of a user that is there", () => {
    files.user("web01", "0:1000000:65536");
    expect(mapOf(plan({ archivedConfig: bytesOf(userConfig("0:9000000:65536")), map: "auto" }))).toBe("0:1000000:65536");
  });
});

describe("planUser for an archive that names no user", () => {
  test("makes one that is called after the container, with a free block, and goes with its last container", () => {
    const { name, maps, create } = plan({ archived: null, containerId: "alpine" });
    expect([name, formatIdMap(maps.uid), create?.standalone]).toEqual(["alpine", "0:1000000:65536", false]);
  });

  test("uses one of that name", () => {
    files.user("alpine", "0:1065536:65536");
    expect(mapOf(plan({ archived: null, containerId: "alpine" }))).toBe("0:1065536:65536");
  });
});

describe("planUser with --as-user", () => {
  test("takes nothing from the archive", () => {
    files.user("shared", "0:1065536:65536");
    const user = plan({ asUser: "shared", archivedConfig: bytesOf("---\nbroken: [") });
    expect([user.name, user.create, mapOf(user)]).toEqual(["shared", undefined, "0:1065536:65536"]);
  });

  test("refuses a user that is not there, and names that are none", () => {
    expect(messageOf(() => plan({ asUser: "nobody" }))).toBe(
      `Cannot import as user "nobody": there is no such user on pool "${files.pool.name}"`,
    );
    expect(messageOf(() => plan({ asUser: "../../etc/passwd" }))).toContain('Cannot import as user "../../etc/passwd": ');
    expect(messageOf(() => plan({ archived: "Web01", archivedConfig: bytesOf(userConfig("0:1065536:65536")) }))).toContain(
      'Cannot import as user "Web01": ',
    );
  });
});
