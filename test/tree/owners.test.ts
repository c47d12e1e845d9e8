import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { formatAcl, parseAcl } from "../../src/stream/tar/acl.ts";
import { collect } from "../../src/stream/bytes.ts";
import { Owners } from "../../src/tree/owners.ts";
import { packTree } from "../../src/tree/pack.ts";
import { WalkedTree } from "../../src/tree/walked-tree.ts";
import { readTar } from "../support/tar.ts";

const IS_ROOT = process.getuid?.() === 0;
const OWNERS = new Owners({
  uid: [
    { nsId: 0, hostId: 100_000, count: 65_536 },
    { nsId: 65_536, hostId: 500_000, count: 10 },
  ],
  gid: [{ nsId: 0, hostId: 200_000, count: 65_536 }],
});

let scratch = "";
beforeAll(() => {
  scratch = fs.mkdtempSync(path.join(tmpdir(), "ctar-owners-"));
});
afterAll(() => fs.rmSync(scratch, { recursive: true }));

function attribute(name: string, value: Uint8Array): readonly [Uint8Array, Uint8Array] {
  return [Buffer.from(name), value];
}

/** A capability of revision 3, whose root is an id of the host. */
function capability(root: number): Uint8Array {
  const value = Buffer.from("0100000300200000000000000000000000000000", "hex");
  const id = Buffer.alloc(4);
  id.writeUInt32LE(root);
  return Buffer.concat([value, id]);
}

describe("Owners", () => {
  test.each<[number, number, number]>([
    [100_000, 0, 100_000],
    [101_000, 1000, 101_000],
    [165_535, 65_535, 165_535],
    [165_536, 165_536, 165_536],
    [500_009, 65_545, 500_009],
    [200_033, 200_033, 33],
    [0, 0, 0],
  ])("of host id %d makes user %d and group %d", (id, uid, gid) => {
    expect([OWNERS.uid(id), OWNERS.gid(id)]).toEqual([uid, gid]);
  });

  test("turns ids in ACLs", () => {
    const acl = parseAcl("user::rw-,user:101000:r--,group::r--,group:200033:rw-,mask::rw-,other::---", () => undefined);
    const [, value] = OWNERS.xattr(attribute("system.posix_acl_access", acl?.value ?? Buffer.alloc(0)));
    expect(formatAcl(value)?.trim().split("\n")).toEqual(["user::rw-", "user:1000:r--", "group::r--", "group:33:rw-", "mask::rw-", "other::---"]); // prettier-ignore
  });

  test("makes of a capability of the container's root one without a root, and of another one with the root inside", () => {
    const [, own] = OWNERS.xattr(attribute("security.capability", capability(100_000)));
    expect(Buffer.from(own).toString("hex")).toBe("0100000200200000000000000000000000000000");
    const [, nested] = OWNERS.xattr(attribute("security.capability", capability(101_000)));
    expect(Buffer.from(nested)).toEqual(Buffer.from(capability(1000)));
  });

  test.each([["user.any"], ["security.capability"], ["system.posix_acl_default"]])("leaves %s alone if it is something else", (name) => {
    const value = Buffer.from("something else");
    expect(OWNERS.xattr(attribute(name, value))[1]).toEqual(value);
  });

  test.skipIf(!IS_ROOT)(`are applied as a tree is packed and walked${IS_ROOT ? "" : " (skipped: not root)"}`, async () => {
    const root = path.join(scratch, "tree");
    fs.mkdirSync(root);
    fs.writeFileSync(path.join(root, "file"), "");
    fs.chownSync(root, 100_000, 200_000);
    fs.chownSync(path.join(root, "file"), 101_000, 200_033);
    const onLoss = (): never => {
      throw new Error("lost");
    };
    const { entries } = await readTar(await collect(packTree(root, { owners: OWNERS, onLoss }), 1e6, () => new RangeError("too long")));
    expect(entries.map(({ entry: { uid, gid } }) => [uid, gid])).toEqual([
      [0, 0],
      [1000, 33],
    ]);
    const walked = await Array.fromAsync((await WalkedTree.open({ root, grafts: [], owners: OWNERS, onLoss })).walk());
    expect(walked.map(({ uid, gid }) => [uid, gid])).toEqual([
      [0, 0],
      [1000, 33],
    ]);
  });
});
