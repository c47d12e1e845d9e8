import { describe, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import type { ImageConfig } from "../../../src/oci/config.ts";
import { parseImageConfig } from "../../../src/oci/config.ts";
import { writeImage, type NewImage, type NewLayer, type WriteImageOptions } from "../../../src/oci/writing/write-image.ts";
import type { Digest } from "../../../src/oci/digest.ts";
import type { ByteStream } from "../../../src/stream/bytes.ts";
import { MemorySink } from "../../support/archive.ts";
import { contentOf, json, open, sha256 } from "../../support/oci.ts";
import { readPlainTar } from "../../support/plain-tar.ts";
import { sketchTar, streamOf } from "../../support/tar.ts";
import { VirtualFile } from "../../support/virtual-file.ts";

const LAYERS = ["base", "more", "base"].map((name) => sketchTar({ name, data: `this is ${name}\n` }));

/** An image of some of the layers; undefined is one that changes nothing. */
function imageOf(tars: readonly (Uint8Array | undefined)[], change: Partial<NewImage> = {}): NewImage {
  async function* layers(): AsyncGenerator<NewLayer> {
    for (const [index, tar] of tars.entries()) {
      const history = { created: `2026-01-0${index + 1}T00:00:00Z`, createdBy: "test" };
      yield await Promise.resolve({ tar: tar === undefined ? undefined : streamOf(tar, [700]), history });
    }
  }
  return { names: [], platform: { os: "linux", architecture: "amd64" }, run: {}, base: undefined, layers: layers(), ...change };
}

async function written(image: NewImage, options: Partial<WriteImageOptions> & { isPipe?: boolean } = {}): Promise<Buffer> {
  const { isPipe = false, ...others } = options;
  const sink = new MemorySink(isPipe ? "pipe" : "file");
  const keep = async (bytes: ByteStream): Promise<VirtualFile> => VirtualFile.of(Buffer.concat(await Array.fromAsync(bytes)));
  const spool: WriteImageOptions["spool"] = () => ({ keep, [Symbol.dispose]: () => undefined });
  await writeImage(image, sink, { manifestJson: true, compression: "gzip", gzip: { level: 6, threads: 1 }, spool, ...others });
  return sink.bytes();
}

/** The configuration that an archive holds, as it stands there. */
async function configIn(archive: Uint8Array): Promise<unknown> {
  const [image] = (await open(archive)).images;
  return JSON.parse(Buffer.from(image?.config.raw ?? []).toString());
}

describe("writeImage", () => {
  test("gives the same bytes through a pipe as in a file, and on as many threads as there are", async () => {
    const tar = sketchTar({ name: "large", data: new Uint8Array(3_000_000).map((_, index) => (index * index) >> 8) });
    const file = await written(imageOf([tar, ...LAYERS]));
    expect(await written(imageOf([tar, ...LAYERS]), { isPipe: true })).toEqual(file);
    expect(await written(imageOf([tar, ...LAYERS]), { gzip: { level: 6, threads: 3 } })).toEqual(file);
  });

  test.each<[string, Partial<WriteImageOptions>]>([
    ["with a manifest.json", {}],
    ["without", { manifestJson: false }],
    ["with layers as they are", { compression: "none" }],
  ])("is read again: %s", async (_, options) => {
    const archive = await open(await written(imageOf(LAYERS, { names: ["example.org/app:1", "docker.io/library/app:latest"] }), options));
    const [image] = archive.images;
    expect(archive.images).toHaveLength(1);
    expect(image?.references.toSorted()).toEqual(["docker.io/library/app:latest", "example.org/app:1"]);
    expect([...(image?.config.diffIds ?? [])]).toEqual(LAYERS.map(sha256) as unknown as Digest[]);
    for (const [index, layer] of (image?.layers ?? []).entries())
      expect(sha256(await contentOf(layer))).toBe(sha256(LAYERS[index] ?? Buffer.alloc(0)));
    expect(image?.platform).toEqual({ os: "linux", architecture: "amd64" });
    expect(image?.config.created).toBe("2026-01-03T00:00:00Z");
  });

  test("stores a layer that comes twice once, gzipped, under its digest", async () => {
    const members = readPlainTar(await written(imageOf(LAYERS))).filter(({ typeflag }) => typeflag === "0");
    const blobs = members.filter(({ name }) => name.startsWith("blobs/"));
    for (const { name, content } of blobs) expect(name).toBe(`blobs/${sha256(content).replace(":", "/")}`);
    expect(blobs.filter(({ content }) => content[0] === 0x1f).map(({ content }) => sha256(gunzipSync(content)))).toEqual(
      LAYERS.slice(0, 2).map(sha256),
    );
    expect(new Set(members.map(({ name }) => name)).size).toBe(members.length);
  });

  test("names its content in manifest.json, as Docker looks for it", async () => {
    const members = readPlainTar(await written(imageOf(LAYERS, { names: ["example.org/app:1"] })));
    const names = members.map(({ name }) => name);
    const text = members.find(({ name }) => name === "manifest.json")?.content.toString() ?? "";
    const [entry] = JSON.parse(text) as { Config: string; RepoTags: string[]; Layers: string[] }[];
    expect(entry?.RepoTags).toEqual(["example.org/app:1"]);
    expect(entry?.Layers).toHaveLength(3);
    for (const name of [entry?.Config ?? "", ...(entry?.Layers ?? [])]) expect(names).toContain(name);
    expect(readPlainTar(await written(imageOf(LAYERS), { manifestJson: false })).map(({ name }) => name)).not.toContain("manifest.json");
  });

  test("tells of a step that has changed nothing in the history alone", async () => {
    const config = await configIn(await written(imageOf([LAYERS[0], undefined, LAYERS[1]])));
    expect(config).toMatchObject({
      created: "2026-01-03T00:00:00Z",
      rootfs: { type: "layers", diff_ids: [sha256(LAYERS[0] as Buffer), sha256(LAYERS[1] as Buffer)] },
      history: [
        { created: "2026-01-01T00:00:00Z", created_by: "test" },
        { created: "2026-01-02T00:00:00Z", created_by: "test", empty_layer: true },
        { created: "2026-01-03T00:00:00Z", created_by: "test" },
      ],
    });
  });

  test("writes how it runs, sets in the order of their names", async () => {
    const run = { exposedPorts: ["80/tcp", "443/tcp"], labels: { b: "2", a: "1" }, volumes: ["/z", "/a"], env: ["B=1", "A=2"], cmd: ["x"] };
    const { config } = (await configIn(await written(imageOf(LAYERS, { run })))) as { config: object };
    expect(JSON.stringify(config)).toBe(
      '{"ExposedPorts":{"443/tcp":{},"80/tcp":{}},"Env":["B=1","A=2"],"Cmd":["x"],"Volumes":{"/a":{},"/z":{}},"Labels":{"a":"1","b":"2"}}',
    );
  });

  test("gives back what an image was that the container was made of, but its layers", async () => {
    const base: ImageConfig = parseImageConfig(
      json({
        author: "somebody",
        architecture: "arm64",
        os: "linux",
        config: { Cmd: ["old"], Healthcheck: { Test: ["CMD", "true"] }, User: "web" },
        rootfs: { type: "layers", diff_ids: [sha256(Buffer.from("x"))] },
        history: [{ created_by: "ADD x" }, { created_by: "CMD", empty_layer: true }],
        container: "0123",
      }),
      "base",
    );
    const config = await configIn(await written(imageOf(LAYERS.slice(0, 1), { base, run: { ...base.run, cmd: ["new"] } })));
    expect(config).toEqual({
      created: "2026-01-01T00:00:00Z",
      author: "somebody",
      architecture: "amd64",
      os: "linux",
      config: { User: "web", Cmd: ["new"], Healthcheck: { Test: ["CMD", "true"] } },
      rootfs: { type: "layers", diff_ids: [sha256(LAYERS[0] as Buffer)] },
      history: [
        { created_by: "ADD x", empty_layer: true },
        { created_by: "CMD", empty_layer: true },
        { created: "2026-01-01T00:00:00Z", created_by: "test" },
      ],
    });
  });

  test("fails with what reading a layer fails with", async () => {
    async function* broken(): ByteStream {
      yield await Promise.resolve(new Uint8Array(512));
      throw new RangeError("gone");
    }
    const layer = { tar: broken(), history: { created: "2026-01-01T00:00:00Z" } };
    const layers = (async function* () {
      yield await Promise.resolve(layer);
    })();
    expect(await written(imageOf([], { layers })).catch(String)).toBe("RangeError: gone");
  });
});
