/** Archives that the programs in use write, each from what the one before read: umoci, skopeo, podman, containerd. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { ImageArchive } from "../../../src/oci/image.ts";
import { openImages } from "../../../src/oci/reading/open-images.ts";
import { openInput } from "../../../src/sys/input.ts";
import { contentOf, sha256 } from "../../support/oci.ts";
import { run } from "../../support/platform.ts";
import { finish, start } from "../../support/program.ts";
import { sketchTar } from "../../support/tar.ts";

const MISSING = await missingPrograms(["umoci", "skopeo", "podman", "containerd", "ctr"]);
const IS_ROOT = process.getuid?.() === 0;
const REASON = MISSING.length > 0 ? `${MISSING.join(", ")} missing` : IS_ROOT ? "" : "needs root";
const TARS = [
  sketchTar({ name: "etc/", typeflag: "5", mode: 0o755 }, { name: "etc/hostname", data: "one\n" }),
  sketchTar({ name: "etc/.wh.hostname" }, { name: "big", data: Buffer.alloc(300_000, "big ") }),
];
const DIFF_IDS = TARS.map(sha256);

let directory: string;

/** A path in the directory of this test. */
function at(name: string): string {
  return path.join(directory, name);
}

async function must(...argv: string[]): Promise<void> {
  const { code, stderr } = await run(argv);
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
}

async function umoci(...args: string[]): Promise<void> {
  await must("umoci", ...args);
}

async function skopeo(from: string, to: string, ...options: string[]): Promise<void> {
  await must("skopeo", "--insecure-policy", "copy", "--quiet", ...options, from, to);
}

async function podman(...args: string[]): Promise<void> {
  const places = [`--root=${at("storage")}`, `--runroot=${at("run")}`, `--tmpdir=${at("tmp")}`];
  await must("podman", "--storage-driver=vfs", "--events-backend=none", "--cgroup-manager=cgroupfs", ...places, ...args);
}

/** Runs containerd as long as something is done with it. */
async function withContainerd(work: (ctr: (...args: string[]) => Promise<void>) => Promise<void>): Promise<void> {
  const socket = at("containerd.sock");
  const server = start(["containerd", "--root", at("containerd"), "--state", at("state"), "--address", socket, "--log-level", "fatal"]);
  const ended = finish(server);
  const ctr = async (...args: string[]): Promise<void> => await must("ctr", "--address", socket, ...args);
  try {
    for (let tries = 0; (await run(["ctr", "--address", socket, "version"])).code !== 0; tries++)
      if (tries === 100) throw new Error("no containerd");
    await work(ctr);
  } finally {
    server.kill("SIGTERM");
    await ended;
  }
}

/** An image of two layers, made by umoci; umoci gzips the layers, and keeps the tars. */
async function makeLayout(): Promise<void> {
  await umoci("init", "--layout", at("layout"));
  await umoci("new", "--image", `${at("layout")}:made`);
  for (const [index, tar] of TARS.entries()) {
    fs.writeFileSync(at("layer.tar"), tar);
    await umoci("raw", "add-layer", "--image", `${at("layout")}:made`, at("layer.tar"), "--history.comment", `layer ${index}`);
  }
  await umoci("config", "--image", `${at("layout")}:made`, "--config.cmd", "/bin/true", "--config.env", "A=1", "--config.label", "x=y");
}

/** What an archive or a directory holds, after everything in it was read. */
async function contentsOf(name: string, options: { pipe?: boolean } = {}): Promise<string[]> {
  if (fs.statSync(at(name)).isDirectory()) return await describeImages(await openImages({ directory: at(name) }, name));
  await using input = await openInput(at(name));
  const source = options.pipe === true ? pipe(input) : input;
  const archive = await openImages(source, name, { spoolDirectory: directory });
  try {
    return await describeImages(archive);
  } finally {
    await archive.close();
  }
}

async function describeImages({ images, notes }: ImageArchive): Promise<string[]> {
  const lines: string[] = [...notes];
  for (const image of images) {
    for (const [index, layer] of image.layers.entries()) {
      expect(layer.diffId as string).toBe(DIFF_IDS[index] ?? "");
      expect(Buffer.from(await contentOf(layer)).equals(TARS[index] as Buffer)).toBe(true);
    }
    const { cmd, env, labels } = image.config.run;
    expect({ cmd, env, labels: { ...labels } }).toEqual({ cmd: ["/bin/true"], env: ["A=1"], labels: { x: "y" } });
    const types = new Set(image.layers.map(({ descriptor }) => descriptor.mediaType.replace(/.*\.tar[+.]?/, "") || "plain"));
    lines.push(`${[...image.references, ...image.tags].join(" ")}: ${image.layers.length} ${[...types].join(" ")}`);
  }
  return lines;
}

function pipe(input: {
  readonly offset: number;
  read(maxBytes: number): Promise<Uint8Array | undefined>;
  skip(count: number): Promise<number>;
}) {
  return {
    get offset() {
      return input.offset;
    },
    size: undefined,
    read: async (maxBytes: number) => await input.read(maxBytes),
    skip: async (count: number) => await input.skip(count),
  };
}

async function missingPrograms(names: readonly string[]): Promise<string[]> {
  const found = await Promise.all(names.map(async (name) => (await run(["sh", "-c", `command -v ${name}`])).code === 0));
  return names.filter((_, index) => found[index] !== true);
}

describe.skipIf(REASON !== "")(`openImages reads what is written by${REASON === "" ? "" : ` (skipped: ${REASON})`}`, () => {
  beforeAll(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-oci-programs-"));
    await makeLayout();
  }, 60_000);
  afterAll(() => fs.rmSync(directory, { recursive: true, force: true }));

  test("umoci, a directory", async () => {
    expect(await contentsOf("layout")).toEqual(["made: 2 gzip"]);
  });

  test.each([
    ["an OCI directory", "oci:", ":docker.io/library/x:1", [], "docker.io/library/x:1: 2 gzip"],
    ["an OCI directory with zstd", "oci:", ":tag", ["--dest-compress-format=zstd", "--dest-compress"], "tag: 2 zstd"],
    ["an OCI archive", "oci-archive:", ":example.org/x:1", [], "example.org/x:1: 2 gzip"],
    ["a docker-archive", "docker-archive:", ":x:1", [], "docker.io/library/x:1: 2 plain"],
    ["a docker-archive without a name", "docker-archive:", "", [], ": 2 plain"],
  ])("skopeo, %s", async (name, transport, reference, options, expected) => {
    await skopeo(`oci:${at("layout")}:made`, `${transport}${at(name)}${reference}`, ...options);
    expect(await contentsOf(name)).toEqual([expected]);
  });

  test("podman, of all formats and with two images in one archive", async () => {
    await skopeo(`oci:${at("layout")}:made`, `oci-archive:${at("podman.tar")}:localhost/one:1`);
    await podman("load", "--quiet", "--input", at("podman.tar"));
    await podman("tag", "localhost/one:1", "localhost/one:2", "registry.example:5000/team/app:3");
    await podman("save", "--quiet", "--format=docker-archive", "--output", at("docker.tar"), "localhost/one:1");
    await podman("save", "--quiet", "--format=oci-archive", "--output", at("oci.tar"), "localhost/one:2");
    await podman("save", "--quiet", "--format=oci-dir", "--output", at("oci-dir"), "localhost/one:1");
    await podman("save", "--quiet", "--multi-image-archive", "--output", at("multi.tar"), "localhost/one:1", "localhost/one:2");
    expect(await contentsOf("docker.tar")).toEqual(["localhost/one:1: 2 plain"]);
    expect(await contentsOf("docker.tar", { pipe: true })).toEqual(["localhost/one:1: 2 plain"]);
    expect(await contentsOf("oci.tar")).toEqual(["localhost/one:2: 2 gzip"]);
    expect(await contentsOf("oci-dir")).toEqual(["localhost/one:1: 2 gzip"]);
    expect(await contentsOf("multi.tar")).toEqual(["localhost/one:1 localhost/one:2: 2 plain"]);
  }, 60_000);

  test("containerd, of what it imported as a docker-archive and as an OCI archive", async () => {
    await skopeo(`oci:${at("layout")}:made`, `docker-archive:${at("import.tar")}:localhost/one:1`);
    await skopeo(`oci:${at("layout")}:made`, `oci-archive:${at("import-oci.tar")}:localhost/two:2`);
    await withContainerd(async (ctr) => {
      await ctr("images", "import", "--no-unpack", at("import.tar"));
      await ctr("images", "import", "--no-unpack", "--base-name=localhost/two", at("import-oci.tar"));
      await ctr("images", "export", at("ctr.tar"), "localhost/one:1", "localhost/two:2");
      await ctr("images", "export", "--skip-manifest-json", at("ctr-plain.tar"), "localhost/two:2");
    });
    expect(await contentsOf("ctr.tar")).toEqual(["localhost/one:1: 2 plain", "localhost/two:2: 2 gzip"]);
    expect(await contentsOf("ctr-plain.tar", { pipe: true })).toEqual(["localhost/two:2: 2 gzip"]);
  }, 60_000);
});
