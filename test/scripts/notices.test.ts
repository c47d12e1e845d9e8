import { expect, test } from "bun:test";
import { portableNotices } from "../../scripts/notices.ts";

test("portableNotices name the version, the source and the terms of the C library", () => {
  const glibc = {
    architecture: "arm64",
    version: "2.36-9+b1",
    digest: "0123abcd",
    source: "glibc",
    sourceVersion: "2.36-9",
    copyright: "Who may copy what",
    read: () => Buffer.alloc(0),
  } as const;
  const text = portableNotices(glibc, (name) => `The text of ${name}`)
    .map((notice) => `${notice.name}\n${notice.text}`)
    .join("\n");
  const parts = ["libc6 2.36-9+b1 (arm64), sha256 0123abcd", "https://snapshot.debian.org/package/glibc/2.36-9/", "Who may copy what"];
  for (const part of [...parts, "The text of LGPL-2.1", "The text of LGPL-2\n"]) expect(`${text}\n`).toContain(part);
});
