import { describe, expect, test } from "bun:test";
import { parseImageConfig } from "../../src/oci/config.ts";
import { json, refusalOf, sha256 } from "../support/oci.ts";

const DIFF_ID = `sha256:${"0a".repeat(32)}`;
const ROOTFS = { type: "layers", diff_ids: [DIFF_ID] };

describe("parseImageConfig", () => {
  test("reads what the OCI and Docker put there", () => {
    const raw = json({
      created: "2024-01-02T03:04:05.678Z",
      author: "somebody",
      architecture: "arm64",
      variant: "v8",
      os: "linux",
      config: {
        User: "1000:1000",
        ExposedPorts: { "80/tcp": {} },
        Env: ["PATH=/bin", "EMPTY="],
        Entrypoint: ["/entry"],
        Cmd: null,
        Volumes: { "/data": {} },
        WorkingDir: "/work",
        Labels: { one: "1" },
        StopSignal: "SIGQUIT",
        Healthcheck: { Test: ["CMD", "true"] },
      },
      rootfs: ROOTFS,
      history: [
        { created_by: "COPY", comment: "c" },
        { created_by: "CMD", empty_layer: true },
      ],
      "x.unknown": { kept: [1, 2] },
    });
    const config = parseImageConfig(raw, "x");
    expect(config.raw).toBe(raw);
    expect(config.digest).toBe(sha256(raw) as never);
    expect(config.platform).toEqual({ os: "linux", architecture: "arm64" });
    expect([config.created, config.author]).toEqual(["2024-01-02T03:04:05.678Z", "somebody"]);
    expect(config.run).toEqual({
      user: "1000:1000",
      exposedPorts: ["80/tcp"],
      env: ["PATH=/bin", "EMPTY="],
      entrypoint: ["/entry"],
      volumes: ["/data"],
      workingDir: "/work",
      labels: Object.assign(Object.create(null) as object, { one: "1" }) as Record<string, string>,
      stopSignal: "SIGQUIT",
    });
    expect(config.diffIds).toEqual([DIFF_ID as never]);
    expect(config.history).toEqual([
      { createdBy: "COPY", comment: "c" },
      { createdBy: "CMD", emptyLayer: true },
    ]);
    expect(JSON.stringify(config.json)).toBe(raw.toString());
  });

  test("takes a configuration that says as little as may be", () => {
    const { run, history, diffIds } = parseImageConfig(
      json({ os: "linux", architecture: "amd64", rootfs: { type: "layers", diff_ids: null } }),
      "x",
    );
    expect({ run, history, diffIds }).toEqual({ run: {}, history: [], diffIds: [] });
  });

  test("finds fields whatever their case, as Go does, and takes a command that is a text", () => {
    const { run } = parseImageConfig(json({ os: "linux", rootfs: ROOTFS, config: { cmd: ["a"], EntryPoint: "b" } }), "x");
    expect(run).toEqual({ cmd: ["a"], entrypoint: ["b"] });
  });

  test.each([
    [[], "it is no JSON object"],
    [{ os: "linux" }, '"rootfs" is missing'],
    [{ rootfs: { type: "squashfs", diff_ids: [] } }, '"type" is not "layers"'],
    [{ rootfs: { type: "layers", diff_ids: ["sha256:12"] } }, '"sha256:12" is no digest'],
    [{ rootfs: { type: "layers", diff_ids: DIFF_ID } }, '"diff_ids" is not a list of texts'],
    [{ rootfs: ROOTFS, Rootfs: ROOTFS }, '"rootfs" is there as "rootfs" and "Rootfs"'],
    [{ rootfs: ROOTFS, rootfſ: ROOTFS }, '"rootfs" is there as "rootfs" and "rootf\u017f"'],
    [{ rootfs: ROOTFS, os: 1 }, '"os" is not text'],
    [{ rootfs: ROOTFS, config: { Env: ["a", 1] } }, '"Env" is not a list of texts'],
    [{ rootfs: ROOTFS, config: { Labels: { a: 1 } } }, '"Labels" is not an object of texts'],
    [{ rootfs: ROOTFS, history: [1] }, '"history" 1: it is no JSON object'],
  ])("refuses %j", async (value, reason) => {
    expect(await refusalOf(() => parseImageConfig(json(value), '"c"'))).toContain(reason);
  });
});
