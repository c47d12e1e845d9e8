/** `--json` of verbs that make something says what was made, and how a run failed; stdout that has an archive is left to it. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { containerArchive, treeStream } from "../support/container-stream.ts";
import { DirPoolScene } from "../support/dir-pool.ts";
import { dockerEntries, entriesLayer, layer } from "../support/oci.ts";
import { readPlainTar } from "../support/plain-tar.ts";
import { runProgram, type Finished } from "../support/program.ts";
import { sketchTar } from "../support/tar.ts";

const TIMEOUT_MS = 60_000;
const TREE = { private: { etc: { hostname: "web01\n" } } };

/** A document; what is asked for in it is there, or the test fails. */
// oxlint-disable-next-line typescript/no-explicit-any
type Document = Record<string, any>;

let scene: DirPoolScene;
let archive: string;

beforeAll(async () => {
  scene = await DirPoolScene.create();
  archive = scene.file("web01.tar");
  const { exitCode } = await scene.run("export", ["web01", archive]);
  expect(exitCode).toBe(0);
}, TIMEOUT_MS);
afterAll(() => scene[Symbol.dispose]());

function lastLine(text: string): Document {
  return JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as Document;
}

function result({ stdout }: Finished): Document {
  return JSON.parse(stdout) as Document;
}

async function inspected(file: string): Promise<Document> {
  return result(await runProgram("inspect", "--json", file));
}

/** Digest and size of bytes, by themselves. */
function measureOf(bytes: Uint8Array): object {
  return { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

describe("ctar export --json", () => {
  test(
    "says what is in the file, and to people what it says without",
    async () => {
      const file = scene.file("said.tar");
      const run = await scene.run("export", ["--json", "web01", file]);
      expect([run.exitCode, run.stderr]).toEqual([
        0,
        expect.stringMatching(/^exported container "web01" to ".*said\.tar": [\d.]+ KiB of data\n$/),
      ]);
      const bytes = fs.readFileSync(file);
      const data = readPlainTar(bytes).find(({ name }) => name === "rootfs/base.tar.gz")?.content ?? Buffer.alloc(0);
      expect(result(run)).toMatchObject({
        verb: "export",
        container: "web01",
        pool: scene.name,
        archive: file,
        format: "tar",
        stopped: false,
        bytes: bytes.length,
        exportedAt: (await inspected(file))["metadata"].exportedAt,
        hooks: ["pre-start", "post-stop.d/10-notify"],
        streams: [
          { member: "rootfs/base.tar.gz", dataset: "", kind: "base", pieces: 1, stored: measureOf(data), raw: measureOf(gunzipSync(data)) },
        ],
        losses: [],
        warnings: [],
      });
    },
    TIMEOUT_MS,
  );

  test(
    "to a pipe leaves stdout to the archive, and says it in the last line of stderr",
    async () => {
      const { exitCode, stdout, stderr } = await scene.run("export", ["--json", "-c", "gzip", "web01", "-"]);
      expect([exitCode, stdout.startsWith("metadata.yml\0")]).toEqual([0, true]);
      expect(stderr.split("\n")[0]).toMatch(/^exported container "web01" to standard output: /);
      expect(lastLine(stderr)).toMatchObject({ event: "result", verb: "export", archive: null, compression: "gzip" });
      expect(lastLine(stderr)["bytes"]).toBeGreaterThan(100_000);
    },
    TIMEOUT_MS,
  );

  test(
    "that fails writes nothing to a pipe but the error, as the last line of stderr",
    async () => {
      const { exitCode, stdout, stderr } = await scene.run("export", ["--json", "nosuch"]);
      expect([exitCode, stdout, stderr.startsWith('error: Cannot find container "nosuch"')]).toEqual([10, "", true]);
      const { event, error, ...others } = lastLine(stderr);
      expect([event, error.code, error.exitCode, others]).toEqual(["result", "not-found", 10, {}]);
      expect(error.hints).toEqual([`ctar list --pool ${scene.name}`]);
    },
    TIMEOUT_MS,
  );

  test(
    "--dry-run says what would be, and makes nothing",
    async () => {
      const file = scene.file("dry.tar");
      const run = await scene.run("export", ["--json", "--dry-run", "web01", file]);
      expect([run.exitCode, run.stderr, fs.existsSync(file)]).toEqual([0, "", false]);
      const { dryRun, archive: where, format, streams } = result(run);
      expect([dryRun, where, format, streams]).toEqual([true, file, "tar", undefined]);
    },
    TIMEOUT_MS,
  );

  test(
    "as an image says the digests by which others know it",
    async () => {
      const file = scene.file("web01-image.tar");
      const { images, bytes } = result(await scene.run("export", ["--json", "--format", "docker", "--tag", "web:1", "web01", file]));
      const [seen] = (await inspected(file))["images"] as Document[];
      const { names, digest, configDigest, platform, layers } = seen ?? {};
      const expected = (layers as Document[]).map(({ digest: stored, mediaType, size }) => ({ digest: stored, mediaType, size }));
      expect(images).toEqual([{ names, digest, configDigest, platform, layers: expected }]);
      expect([names, bytes]).toEqual([["docker.io/library/web:1"], fs.statSync(file).size]);
    },
    TIMEOUT_MS,
  );

  test(
    "says a warning once, and what was wrong with the command line",
    async () => {
      scene.write("hook/ct/web01/notes", "no script\n");
      const { warnings } = result(await scene.run("export", ["--json", "--dry-run", "web01"]));
      fs.rmSync(scene.path("hook/ct/web01/notes"));
      expect(warnings).toEqual(['"notes" in the hook directory is no executable hook, it is left out']);
      const wrong = await runProgram("export", "--json", "--compresion", "gzip", "web01");
      expect([wrong.exitCode, result(wrong)["error"].code]).toEqual([2, "usage"]);
    },
    TIMEOUT_MS,
  );
});

describe("ctar import --json", () => {
  test(
    "says what was made, with the digests that the export gave",
    async () => {
      const { streams } = result(await scene.run("export", ["--json", "web01", scene.file("again.tar")]));
      const run = await scene.run("import", ["--json", "--as-id", "copy", "--no-hooks", scene.file("again.tar")]);
      expect([run.exitCode, fs.existsSync(scene.path("conf/ct/copy.yml"))]).toEqual([0, true]);
      expect(result(run)).toMatchObject({
        container: "copy",
        user: "web01",
        group: "/default",
        dataset: null,
        hooks: [],
        origin: "archive",
      });
      expect(result(run)).toMatchObject({ checked: true, streams, leftOut: ["2 hook(s)"] });
    },
    TIMEOUT_MS,
  );

  test(
    "of ZFS streams gives guids and records, and with --no-verify no digests",
    async () => {
      const file = scene.file("streams.tar");
      fs.writeFileSync(file, await containerArchive({ datasets: { "": treeStream(TREE, 12345678901234567890n) } }));
      const { streams, format, checked } = result(await scene.run("import", ["--json", "--as-id", "zfs", "--as-user", "web01", file]));
      const [seen] = result(await runProgram("inspect", "--json", "--records", file))["streams"] as Document[];
      const { member, recordCount: records, description } = seen ?? {};
      const { snapshot, toGuid } = description.snapshots[0] as Document;
      expect([format, toGuid]).toEqual(["zfs", "12345678901234567890"]);
      expect(streams).toMatchObject([{ member, dataset: "", kind: "base", pieces: 1, records, snapshot, toGuid }]);
      expect(streams[0].raw).toEqual(
        measureOf(readPlainTar(fs.readFileSync(file)).find(({ name }) => name === member)?.content ?? Buffer.alloc(0)),
      );
      const unchecked = result(await scene.run("import", ["--json", "--no-verify", "--as-id", "zfs2", "--as-user", "web01", file]));
      expect([checked, unchecked["checked"]]).toEqual([true, false]);
      expect(unchecked["streams"][0].raw).toEqual({ bytes: streams[0].raw.bytes });
    },
    TIMEOUT_MS,
  );

  test(
    "of an image says which",
    async () => {
      const release = entriesLayer({ name: "etc/os-release", data: 'ID="debian"\nVERSION_ID="12"\n' });
      const file = scene.file("app.tar");
      fs.writeFileSync(file, sketchTar(...dockerEntries([layer("etc/app"), release], { tags: ["example.org/app:1"] })));
      const imported = result(await scene.run("import", ["--json", file]));
      const digest = ((await inspected(file))["images"] as Document[])[0]?.["digest"];
      expect(imported).toMatchObject({ container: "app", origin: "image", platform: "linux/amd64", distribution: "debian", version: "12" });
      expect(imported["image"]).toEqual({ names: ["example.org/app:1"], digest, layerCount: 2 });
    },
    TIMEOUT_MS,
  );

  test(
    "that fails says why, and leaves nothing",
    async () => {
      const before = scene.inventory();
      const damaged = fs.readFileSync(archive);
      damaged[damaged.indexOf("rootfs/base.tar.gz") + 1000] = 0;
      fs.writeFileSync(scene.file("damaged.tar"), damaged);
      const { exitCode, stdout, stderr } = await scene.run("import", ["--json", "--as-id", "bad", scene.file("damaged.tar")]);
      const { error, ...others } = JSON.parse(stdout) as Document;
      expect([exitCode, error.code, error.exitCode, others]).toEqual([12, "damaged", 12, {}]);
      expect(stderr.split("\n")[0]).toBe(`error: ${error.message}`);
      expect(scene.inventory()).toEqual(before);
    },
    TIMEOUT_MS,
  );

  test(
    "that is interrupted says so",
    async () => {
      const { child, finished } = await scene.startStalledImport(archive, "stalled", ["--json"]);
      process.kill(child.pid ?? 0, "SIGINT"); // Deno's child.kill() ends the child's input too
      const run = await finished;
      expect([run.exitCode, result(run)["error"].code, result(run)["error"].exitCode]).toEqual([130, "interrupted", 130]);
    },
    TIMEOUT_MS,
  );
});

describe("--json of other verbs", () => {
  test(
    "convert says what the new archive holds",
    async () => {
      const file = scene.file("converted.tar");
      const { streams, bytes, origin, checked } = result(await runProgram("convert", "--json", archive, file));
      expect(streams).toEqual((await inspected(file))["manifest"].streams);
      expect([bytes, origin, checked]).toEqual([fs.statSync(file).size, "archive", true]);
    },
    TIMEOUT_MS,
  );

  test(
    "convert to a pipe leaves stdout to the tar",
    async () => {
      const { stdout, stderr } = await runProgram("convert", "--json", "--format", "rootfs", archive, "-");
      expect([stdout.includes("hostname\0"), stdout.includes("event")]).toEqual([true, false]);
      expect([lastLine(stderr)["format"], lastLine(stderr)["event"]]).toEqual(["rootfs", "result"]);
    },
    TIMEOUT_MS,
  );

  test(
    "extract says what was extracted also where that was not all",
    async () => {
      const args = ["extract", "--json", archive, "etc", "nosuch", "-C", scene.file("out")];
      const { exitCode, stdout } = await runProgram(...args);
      const { entries, bytes, unmet, error } = JSON.parse(stdout) as Document;
      expect([exitCode, entries, bytes, unmet, error.code]).toEqual([10, 2, "web01\n".length, ["nosuch"], "not-found"]);
      expect(fs.readFileSync(scene.file("out/etc/hostname"), "utf8")).toBe("web01\n");
    },
    TIMEOUT_MS,
  );

  test(
    "extract --dry-run prints no names beside",
    async () => {
      const { exitCode, stdout } = await runProgram("extract", "--json", "--dry-run", archive, "etc");
      expect([exitCode, (JSON.parse(stdout) as Document)["entries"]]).toEqual([0, 2]);
    },
    TIMEOUT_MS,
  );

  test(
    "image export says which images the file has",
    async () => {
      const layers = [layer("bin/tool")];
      fs.writeFileSync(scene.file("tool.tar"), sketchTar(...dockerEntries(layers, { tags: ["tool:1", "tool:2"] })));
      await scene.run("image import", [scene.file("tool.tar")]);
      const { images, bytes } = result(await scene.run("image export", ["--json", "tool", scene.file("store.tar")]));
      const index = readPlainTar(fs.readFileSync(scene.file("store.tar"))).find(({ name }) => name === "index.json");
      const digests = (JSON.parse(index?.content.toString() ?? "") as Document)["manifests"].map(({ digest }: Document) => digest);
      expect(images.map(({ names }: Document) => names)).toEqual([["docker.io/library/tool:1", "docker.io/library/tool:2"]]);
      expect([[...new Set(digests)], bytes]).toEqual([[images[0].digest], fs.statSync(scene.file("store.tar")).size]);
    },
    TIMEOUT_MS,
  );

  test(
    "verify has its findings and the error in one document",
    async () => {
      fs.writeFileSync(scene.file("cut.tar"), fs.readFileSync(archive).subarray(0, 50_000));
      const { exitCode, stdout } = await runProgram("verify", "--json", scene.file("cut.tar"));
      const { whole, findings, error } = JSON.parse(stdout) as Document;
      expect([exitCode, whole, findings.length > 0, error.exitCode]).toEqual([12, false, true, 12]);
    },
    TIMEOUT_MS,
  );

  test(
    "ls ends with the error on a line, and a verb without it says that in JSON",
    async () => {
      const listed = await runProgram("ls", "--json", scene.file("cut.tar"));
      expect([listed.exitCode, lastLine(listed.stdout)["error"].code]).toEqual([12, "damaged"]);
      const cat = await runProgram("cat", "--json", archive, "etc/hostname");
      expect([cat.exitCode, result(cat)["error"].message]).toEqual([2, 'Unknown option "--json"']);
    },
    TIMEOUT_MS,
  );
});
