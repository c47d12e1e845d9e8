import { describe, expect, test } from "bun:test";
import { parseDestination } from "../../../src/commands/remote/destination.ts";

describe("parseDestination", () => {
  test.each([
    ["web2", "web2", "web2", undefined],
    ["root@web2.example.org:tank", "root@web2.example.org", "web2.example.org", "tank"],
    ["web2:dir:/srv/a@b:c [1]", "web2", "web2", "dir:/srv/a@b:c [1]"],
    ["ops@realm@web2", "ops@realm@web2", "web2", undefined],
    ["192.0.2.7:my pool", "192.0.2.7", "192.0.2.7", "my pool"],
    ["[::1]", "::1", "::1", undefined],
    ["root@[fe80::1%eth0]:tank", "root@fe80::1%eth0", "fe80::1%eth0", "tank"],
  ])("reads %j", (text, login, host, pool) => {
    expect(parseDestination(text)).toEqual({ login, host, pool });
  });

  test.each([
    ["", "it names no host"],
    [":tank", "it names no host"],
    ["root@:tank", "it names no host"],
    ["@web2", '"" is no user\'s name'],
    ["-oProxyCommand=id", '"-oProxyCommand=id" is no host\'s name'],
    ["-oProxyCommand=id@web2", '"-oProxyCommand=id" is no user\'s name'],
    ["root@-v", '"-v" is no host\'s name'],
    ["we$(id)b", '"we$(id)b" is no host\'s name'],
    ["a b@web2", '"a b" is no user\'s name'],
    ["web2\n", '"web2\n" is no host\'s name'],
    ["[web2]", '"web2" is no host\'s name'],
    ["[::1", "it names no host"],
    ["web2:", "no pool follows the colon"],
    ["web2:22", '"22" is no pool'],
    ["web2:/srv", '"/srv" is no pool'],
    ["web2:dir:srv", "a directory there is named by its whole path, dir:/path"],
    ["web2:tank/ct", '"tank/ct" is no pool'],
    ["ssh://web2/tank", "it is no URL"],
  ])("refuses %j", (text, reason) => {
    expect(() => parseDestination(text)).toThrow(`Cannot export to "${text}": ${reason}`);
  });
});
