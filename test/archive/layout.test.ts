import { describe, expect, test } from "bun:test";
import { memberKind, streamMember, type MemberKind } from "../../src/archive/layout.ts";

describe("memberKind", () => {
  test.each<[string, MemberKind]>([
    ["metadata.yml", { is: "metadata" }],
    ["config/user.yml", { is: "user" }],
    ["config/group.yml", { is: "group" }],
    ["config/container.yml", { is: "container" }],
    ["snapshots.yml", { is: "snapshots" }],
    ["ctar/manifest.json", { is: "manifest" }],
    ["rootfs/base.tar.gz", { is: "rootfs-tar" }],
    ["hooks/pre-start", { is: "hook", name: "pre-start" }],
    ["hooks/post-stop.d/10-notify", { is: "hook", name: "post-stop.d/10-notify" }],
    ["hooks/../../etc/passwd", { is: "hook", name: "../../etc/passwd" }],
    ["rootfs/base.dat", { is: "stream", dataset: "", kind: "base", gzipped: false }],
    ["rootfs/base.dat.gz", { is: "stream", dataset: "", kind: "base", gzipped: true }],
    ["rootfs/incremental.dat", { is: "stream", dataset: "", kind: "incremental", gzipped: false }],
    ["rootfs/srv/data/incremental.dat.gz", { is: "stream", dataset: "srv/data", kind: "incremental", gzipped: true }],
    ["rootfs/base/base.dat", { is: "stream", dataset: "base", kind: "base", gzipped: false }],
    ["rootfs/base.tar", { is: "other" }],
    ["rootfs/base.dat.gz.old", { is: "other" }],
    ["rootfs/database.dat", { is: "other" }],
    ["xrootfs/base.dat", { is: "other" }],
    ["./metadata.yml", { is: "other" }],
    ["config/container.yml~", { is: "other" }],
    ["", { is: "other" }],
  ])("takes %s for what it is", (name, kind) => {
    expect(memberKind(name)).toEqual(kind);
  });
});

describe("streamMember", () => {
  test.each([
    [{ dataset: "", kind: "base" }, false, "rootfs/base.dat"],
    [{ dataset: "", kind: "incremental" }, true, "rootfs/incremental.dat.gz"],
    [{ dataset: "srv/data", kind: "base" }, true, "rootfs/srv/data/base.dat.gz"],
  ] as const)("names %o (gzipped: %p) %s, which memberKind reads again", (place, gzipped, name) => {
    expect(streamMember(place, gzipped)).toBe(name);
    expect(memberKind(name)).toEqual({ is: "stream", gzipped, ...place });
  });
});
