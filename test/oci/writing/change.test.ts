import { describe, expect, test } from "bun:test";
import { ToolError } from "../../../src/errors.ts";
import type { RunConfig } from "../../../src/oci/config.ts";
import { changeConfig } from "../../../src/oci/writing/change.ts";

const BASE: RunConfig = {
  env: ["PATH=/usr/bin:/bin", "HOME=/root"],
  entrypoint: ["/entry"],
  cmd: ["serve"],
  workingDir: "/srv",
  exposedPorts: ["80/tcp"],
  labels: { kept: "yes" },
  volumes: ["/data"],
};

describe("changeConfig", () => {
  test.each<[string, string[], Partial<RunConfig>]>([
    ["CMD in the exec form", ['CMD ["nginx", "-g", "daemon off;"]'], { cmd: ["nginx", "-g", "daemon off;"] }],
    ["CMD as a line for a shell", ["CMD echo $HOME | cat"], { cmd: ["/bin/sh", "-c", "echo $HOME | cat"] }],
    ["CMD that only looks like JSON", ["CMD [ -f /x ]"], { cmd: ["/bin/sh", "-c", "[ -f /x ]"] }],
    ["the name of an instruction in any case", ["cmd ls"], { cmd: ["/bin/sh", "-c", "ls"] }],
    ["ENTRYPOINT takes the inherited CMD away", ['ENTRYPOINT ["/init"]'], { entrypoint: ["/init"], cmd: [] }],
    ["ENTRYPOINT behind a CMD keeps that", ['CMD ["x"]', 'ENTRYPOINT ["/init"]'], { entrypoint: ["/init"], cmd: ["x"] }],
    ["ENTRYPOINT before a CMD", ['ENTRYPOINT ["/init"]', 'CMD ["x"]'], { entrypoint: ["/init"], cmd: ["x"] }],
    ["ENV with several variables", ["ENV A=1 B='two words' C=\"x y\""], { env: [...(BASE.env ?? []), "A=1", "B=two words", "C=x y"] }],
    ["ENV in the place of one of that name", ["ENV HOME=/home/me"], { env: ["PATH=/usr/bin:/bin", "HOME=/home/me"] }],
    ["ENV with one name and all behind it", ["ENV GREETING hello  world"], { env: [...(BASE.env ?? []), "GREETING=hello  world"] }],
    ["ENV with values of others", ["ENV PATH=$PATH:/opt/bin"], { env: ["PATH=/usr/bin:/bin:/opt/bin", "HOME=/root"] }],
    [
      "ENV sees what one before has set, and not what it sets itself",
      ["ENV A=1", "ENV A=2 B=$A"],
      { env: [...(BASE.env ?? []), "A=2", "B=1"] },
    ],
    ["EXPOSE with and without a protocol, and a range", ["EXPOSE 443 53/UDP 8000-8002"], { exposedPorts: ["80/tcp", "443/tcp", "53/udp", "8000/tcp", "8001/tcp", "8002/tcp"] }], // prettier-ignore
    ["EXPOSE with a variable", ["ENV PORT=99", "EXPOSE $PORT/udp"], { exposedPorts: ["80/tcp", "99/udp"], env: [...(BASE.env ?? []), "PORT=99"] }], // prettier-ignore
    ["LABEL", ['LABEL a=1 "com.example.b"="x = y"'], { labels: { kept: "yes", a: "1", "com.example.b": "x = y" } }],
    ["LABEL with one name and all behind it", ["LABEL title My Web Server"], { labels: { kept: "yes", title: "My Web Server" } }],
    ["USER", ["USER web:www-data"], { user: "web:www-data" }],
    ["VOLUME as words", ["VOLUME /data /logs"], { volumes: ["/data", "/logs"] }],
    ["VOLUME in JSON", ['VOLUME ["/with space"]'], { volumes: ["/data", "/with space"] }],
    ["WORKDIR", ["WORKDIR /var/www"], { workingDir: "/var/www" }],
    ["WORKDIR relative to the one before", ["WORKDIR app", "WORKDIR ../logs"], { workingDir: "/srv/logs" }],
    ["WORKDIR with a variable", ["WORKDIR ${HOME}/app"], { workingDir: "/root/app" }],
    ["STOPSIGNAL by name", ["STOPSIGNAL SIGRTMIN+3"], { stopSignal: "SIGRTMIN+3" }],
    ["STOPSIGNAL by short name", ["STOPSIGNAL quit"], { stopSignal: "quit" }],
    ["STOPSIGNAL by number", ["STOPSIGNAL 9"], { stopSignal: "9" }],
  ])("%s", (_, changes, expected) => {
    expect(changeConfig(BASE, changes)).toEqual({ ...BASE, ...expected });
  });

  test.each<[string, string]>([
    ["$HOME", "/root"],
    ["${HOME}", "/root"],
    ["${NONE}", ""],
    ["$HOME/x", "/root/x"],
    ["$HOMEX", ""],
    ["a$", "a$"],
    ["\\$HOME", "$HOME"],
    ["'$HOME'", "$HOME"],
    ['"$HOME \\" \\$ \\a"', '/root " $ \\a'],
    ["a\\ b", "a b"],
    ["${NONE:-other}", "other"],
    ["${HOME:-other}", "/root"],
    ["${EMPTY:-other}", "other"],
    ["${EMPTY-other}", ""],
    ["${HOME:+set}", "set"],
    ["${NONE:+set}", ""],
    ["${NONE:-$HOME/x}", "/root/x"],
  ])("resolves %j as %j", (text, expected) => {
    const run = { env: ["HOME=/root", "EMPTY="] };
    expect(changeConfig(run, [`LABEL x=${text}`]).labels).toEqual({ x: expected });
  });

  test.each<[string, string]>([
    ["RUN apt-get update", 'there is no instruction "RUN" here'],
    ["HEALTHCHECK NONE", 'there is no instruction "HEALTHCHECK" here'],
    ["", 'there is no instruction "" here'],
    ["constructor x", 'there is no instruction "constructor" here'],
    ["CMD", "it says nothing"],
    ["CMD x\nUSER y", "it is more than one line"],
    ['CMD ["a", 1]', "a list in JSON holds texts alone"],
    ["ENV NAME", "it is not NAME=value"],
    ["ENV A=1 B", '"B" is not NAME=value'],
    ["ENV =1", '"=1" is not NAME=value'],
    ["EXPOSE http", '"http" is no PORT, PORT/udp or PORT-PORT'],
    ["EXPOSE 70000", '"70000" is no PORT, PORT/udp or PORT-PORT'],
    ["EXPOSE 90-80", '"90-80" is no PORT, PORT/udp or PORT-PORT'],
    ["EXPOSE 80/icmp", '"80/icmp" is no PORT, PORT/udp or PORT-PORT'],
    ['VOLUME [""]', "a path is empty"],
    ["STOPSIGNAL SIGNONE", '"SIGNONE" is no signal'],
    ["LABEL a='x", "there is no ' to close the first one"],
    ["LABEL a=${x", "it is no substitution of a variable"],
  ])("refuses %j", (change, reason) => {
    let problem: unknown;
    try {
      changeConfig(BASE, [change]);
    } catch (error) {
      problem = error;
    }
    expect(problem).toBeInstanceOf(ToolError);
    expect((problem as ToolError).code).toBe("usage");
    expect((problem as ToolError).message).toContain(reason);
  });
});
