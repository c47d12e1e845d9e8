import { describe, expect, test } from "bun:test";
import { normalizeReference, parseReference } from "../../src/oci/reference.ts";
import { refusalOf } from "../support/oci.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;

describe("normalizeReference", () => {
  // as distribution/reference does in TestParseDockerRef, TestParseRepositoryInfo and TestValidateReferenceName
  test.each([
    ["busybox", "docker.io/library/busybox:latest"],
    ["busybox:1.36", "docker.io/library/busybox:1.36"],
    ["team/app", "docker.io/team/app:latest"],
    ["docker.io/busybox", "docker.io/library/busybox:latest"],
    ["index.docker.io/library/busybox", "docker.io/library/busybox:latest"],
    ["index.docker.io/busybox", "docker.io/library/busybox:latest"],
    ["localhost/app", "localhost/app:latest"],
    ["localhost:5000/app:x", "localhost:5000/app:x"],
    ["gcr.io/library/busybox", "gcr.io/library/busybox:latest"],
    ["127.0.0.1:5000/a/b/c:1.0-rc_1", "127.0.0.1:5000/a/b/c:1.0-rc_1"],
    ["[2001:db8::1]:5000/repo", "[2001:db8::1]:5000/repo:latest"],
    ["Example/app", "Example/app:latest"],
    ["a__b/c---d.e_f:_x", "docker.io/a__b/c---d.e_f:_x"],
    ["localhost:5000", "docker.io/library/localhost:5000"],
    [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`],
    [`busybox:latest@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`],
  ])("writes %p out as %p", (text, expected) => {
    expect(normalizeReference(text)).toBe(expected);
    expect(normalizeReference(expected)).toBe(expected);
  });

  test.each([
    "",
    ":tag",
    "Busybox",
    "team/App",
    "a//b",
    "/a",
    "a/",
    "a..b",
    "a___b",
    "-a",
    "a-",
    "a.",
    "docker.io/../etc",
    "a:..",
    "a:-x",
    `a:${"x".repeat(129)}`,
    "a:b:c",
    "a b",
    "a@sha256:12",
    `a@b@${DIGEST}`,
    "ab".repeat(32),
    `a/${"b".repeat(255)}`,
    "https://registry.example/a",
    "-host.example/a",
    "ä.example/a",
    DIGEST,
    `sha512:${"ab".repeat(64)}`,
    "docker.io/library/sha256:1",
  ])("knows that %p is no name", (text) => {
    expect(normalizeReference(text)).toBe(undefined);
  });
});

describe("parseReference", () => {
  test("takes a name apart", () => {
    expect(parseReference(`localhost:5000/a/b:1@${DIGEST}`)).toEqual({ name: "localhost:5000/a/b", tag: "1", digest: DIGEST as never });
  });

  test.each([
    ["Team/App", "the name of a repository is in lower case"],
    ["a:b c", '"b c" is no tag'],
    ["a@sha256:zz", '"sha256:zz" is no digest'],
    ["ab".repeat(32), "64 hex digits are an image's id, no name"],
  ])("says what is wrong with %p", async (text, reason) => {
    expect(await refusalOf(() => parseReference(text))).toBe(`usage: Cannot use image name "${text}": ${reason}`);
  });
});
