import { describe, expect, test } from "bun:test";
import { parseOsRelease } from "../../src/config/os-release.ts";

describe("parseOsRelease", () => {
  test.each([
    ['NAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n', "debian", "12"],
    ["PRETTY_NAME='Debian GNU/Linux trixie/sid'\nVERSION_CODENAME=trixie\nID=debian\n", "debian", "trixie"],
    ["ID=ubuntu\nVERSION_ID='24.04'\n", "ubuntu", "24.04"],
    ["ID=alpine\r\nVERSION_ID=3.20.3\r\n", "alpine", "3.20"],
    ['ID="almalinux"\nVERSION_ID="9.4"\n', "almalinux", "9"],
    ['ID="rocky"\nVERSION_ID="9.4"\n', "rocky", "9"],
    ['NAME="CentOS Stream"\nID="centos"\nVERSION_ID="9"\n', "centos", "9-stream"],
    ['NAME="CentOS Linux"\nID="centos"\nVERSION_ID="7"\n', "centos", "7"],
    ["ID=arch\nBUILD_ID=rolling\n", "arch", "rolling"],
    ['ID="opensuse-leap"\nVERSION_ID="15.6"\n', "opensuse", "leap-15.6"],
    ['ID="opensuse-tumbleweed"\nVERSION_ID="20240101"\n', "opensuse", "tumbleweed"],
    ["ID=nixos\nVERSION_ID=\"24.05\"\n", "nixos", "24.05"], // prettier-ignore
    ["ID=void\n", "void", "unknown"],
    ["# ID=other\n  ID=first\nID=last\nVERSION_ID=1\n", "last", "1"],
    ['ID="a b/../c"\nVERSION_ID="\\"1\\""\n', "a-b-..-c", "-1-"],
    ["ID=..\n", "other", "unknown"],
    ["ID=\n", "other", "unknown"],
    ["ID=x\nVERSION_ID=..\n", "x", "unknown"],
    ["", "other", "unknown"],
    ["\0\xff not a file\n", "other", "unknown"],
  ])("%j is %s %s", (text, distribution, version) => {
    expect(parseOsRelease(Buffer.from(text, "latin1"))).toEqual({ distribution, version });
  });

  test("takes names no longer than a path can have", () => {
    const { distribution } = parseOsRelease(Buffer.from(`ID=${"x".repeat(5000)}\n`));
    expect(distribution).toBe("x".repeat(100));
  });
});
