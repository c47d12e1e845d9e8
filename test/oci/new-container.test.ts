import { describe, expect, test } from "bun:test";
import { parseContainerConfig } from "../../src/config/container.ts";
import { parseImageConfig, type ImageConfig } from "../../src/oci/config.ts";
import { keptConfigOf } from "../../src/oci/kept-config.ts";
import { checkRunsHere, encodeNewContainer, initCommand, notesOf } from "../../src/oci/new-container.ts";
import { hostPlatform, parsePlatform } from "../../src/oci/platform.ts";
import type { YamlMap } from "../../src/yaml/value.ts";
import { configOf, layer, refusalOf } from "../support/oci.ts";

function imageOf(config: object, extra: Record<string, unknown> = {}): ImageConfig {
  return parseImageConfig(Buffer.from(JSON.stringify(configOf([layer("x")], { config, ...extra }))), '"config"');
}

/** The configuration as osctld would read it, or refuse it. */
function containerOf(image: ImageConfig | undefined, platform = parsePlatform("linux/amd64")): YamlMap {
  const release = { distribution: "debian", version: "12" };
  return parseContainerConfig(Buffer.from(encodeNewContainer({ platform, release, image })), "container.yml");
}

describe("the command that is started", () => {
  test.each([
    [{ Cmd: ["/bin/sh"] }, ["/bin/sh"]],
    [{ Entrypoint: ["/init", "-x"], Cmd: ["a"] }, ["/init", "-x", "a"]],
    [{ Entrypoint: ["/init"] }, ["/init"]],
    [{ Cmd: "/bin/sh" }, ["/bin/sh"]],
    [{}, undefined],
    [{ Cmd: [] }, undefined],
    [{ Cmd: ["sh", "-c", "a b"] }, undefined],
    [{ Cmd: ["echo", ""] }, undefined],
    [{ Cmd: ["echo", "a\nlxc.hook.start-host=/bad"] }, undefined],
    [{ Cmd: ["echo", "a\u001b[2J"] }, undefined],
  ])("of %j is %j", (run, expected) => {
    const image = imageOf(run);
    expect(initCommand(image.run)).toEqual(expected);
    expect(containerOf(image).get("init_cmd")).toEqual(expected);
    const isLost = expected === undefined && "Cmd" in run && run.Cmd.length > 0;
    expect(notesOf(image).some((note) => note.includes("apart at blanks"))).toBe(isLost);
  });
});

test("a command that is too long is not set, and shown in part, harmless for a terminal", () => {
  const image = imageOf({ Cmd: ["echo", "\u001b[2J\u202e", "x".repeat(50_000)] });
  expect(containerOf(image).has("init_cmd")).toBe(false);
  expect(notesOf(image)).toEqual([`the image's command is not set, as it is too long: "echo" "\\x1b[2J\\u202e" "...${"x".repeat(300)}"`]);
});

describe("encodeNewContainer", () => {
  test.each([
    ["linux/amd64", "x86_64"],
    ["linux/386", "i386"],
    ["linux/arm64", "aarch64"],
    ["linux/arm/v7", "armhf"],
    ["linux/arm/v6", "armel"],
    ["linux/riscv64", "riscv64"],
  ])("calls %s %s, which an export takes for the same", (text, arch) => {
    expect(containerOf(undefined, parsePlatform(text)).get("arch")).toBe(arch);
    expect(parsePlatform(`linux/${arch}`)).toEqual(parsePlatform(text));
  });

  test("takes what is no processor for this machine's", () => {
    const unknown = { os: "linux", architecture: "../x" };
    expect(containerOf(undefined, unknown).get("arch")).toBe(containerOf(undefined, hostPlatform()).get("arch"));
  });

  test("says what is not known yet in words that osctld survives", () => {
    const text = encodeNewContainer({ platform: hostPlatform(), release: undefined, image: undefined });
    const config = parseContainerConfig(Buffer.from(text), "container.yml");
    expect([config.get("distribution"), config.get("version")]).toEqual(["other", "unknown"]);
  });

  test.each([
    ["as it was", '{"a": "ü — \\u0000 \\u2028", "b": "  ", "c": "- x: |\\n  y"}'],
    ["with line breaks", '{\r\n\t"a":\n\n1\r\n}'],
    ["with what YAML escapes", '{"a": "\u0085\u2028\u{1f427}\ufeff\u007f"}'],
  ])("keeps the image's configuration %s", (_what, config) => {
    const raw = Buffer.from(JSON.stringify(configOf([layer("x")])).replace(/\}$/, `,"x.kept":${config}}`));
    const kept = keptConfigOf(containerOf(parseImageConfig(raw, '"config"')));
    expect(Buffer.from(kept?.raw ?? []).toString()).toBe(raw.toString());
  });

  test("leaves out a configuration that is too large, and says so", () => {
    const image = imageOf({}, { comment: "x".repeat(300_000) });
    expect(keptConfigOf(containerOf(image))).toBeUndefined();
    expect(notesOf(image)).toEqual(["the image's configuration is too large to be kept, so an export as an image will not have it"]);
  });
});

describe("notesOf", () => {
  test.each([
    [{ Cmd: ["/bin/sh"], Labels: { a: "b" }, User: "0", WorkingDir: "/" }, []],
    [{ Env: ["A=b"], User: "app", WorkingDir: "/srv" }, ["environment, user, working directory"]],
    [{ ExposedPorts: { "80/tcp": {} }, Volumes: { "/data": {} }, StopSignal: "SIGINT" }, ["ports, volumes, stop signal"]],
  ])("of %j tells of %j", (run, settings) => {
    const notes = settings.map((list) => `osctld has no such settings, they are kept for an export as an image: ${list}`);
    expect(notesOf(imageOf(run))).toEqual(notes);
  });
});

describe("checkRunsHere", () => {
  test.each([
    ["linux", "accepted"],
    ["", "accepted"],
    ["windows", "failed: Cannot make a container of an image for windows/amd64: only Linux runs in one"],
  ])("of an image for %j: %s", async (os, expected) => {
    expect(await refusalOf(() => checkRunsHere(imageOf({}, { os })))).toBe(expected);
  });
});
