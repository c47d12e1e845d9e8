import { describe, expect, test } from "bun:test";
import { ToolError } from "../../../src/errors.ts";
import { loadDatasets, type LoadedDataset } from "../../../src/zfs/zpl/dataset.ts";
import { fixtureStream } from "../../support/stream-tree.ts";
import { VirtualFile } from "../../support/virtual-file.ts";
import { at, contents, FILE, fileObject, streamBytes } from "../../support/zpl-files.ts";
import type { BeginSketch } from "../../support/zpl-stream.ts";

describe("loadDatasets", () => {
  test("takes incrementals in order and tells each snapshot", async () => {
    const [dataset, ...others] = await load(fixtureStream("p.full.s1"), fixtureStream("p.incr-I.s1-s3"));
    expect(others).toEqual([]);
    expect(dataset?.name).toBe("tank/p");
    expect(dataset?.snapshots.map(({ name }) => name)).toEqual(["s1", "s2", "s3"]);
    expect(new Set(dataset?.snapshots.map(({ guid }) => guid)).size).toBe(3);
  });

  test("reads files out of the middle of a source, and of a source other than the one it loaded from", async () => {
    const bytes = streamBytes({
      names: { f: FILE },
      records: (stream) => [fileObject(stream, { SIZE: 3 }), stream.write(FILE, 0, Buffer.alloc(512, "abc"))],
    });
    const shifted = VirtualFile.of(Buffer.concat([Buffer.alloc(1000, 0xee), bytes]));
    shifted.seek(1000);
    const other = VirtualFile.of(Buffer.concat([Buffer.alloc(77), bytes]));
    other.seek(77);
    for (const input of [{ source: shifted }, { source: VirtualFile.of(bytes), data: other }]) {
      const [dataset] = await loadDatasets([{ what: "s", ...input }]);
      expect((await contents(await (dataset as LoadedDataset).fileSystem(), "f")).toString()).toBe("abc");
    }
  });

  test("two files can be read at the same time", async () => {
    const bytes = streamBytes({
      names: { f: FILE, g: FILE + 1 },
      records: (stream) =>
        [FILE, FILE + 1].flatMap((object) => [
          fileObject(stream, { SIZE: 512 * 50 }, { object }),
          ...Array.from({ length: 50 }, (_, index) => stream.write(object, index * 512, Buffer.alloc(512, `${object} ${index} `))),
        ]),
    });
    const [dataset] = await load(bytes);
    const files = await (dataset as LoadedDataset).fileSystem();
    const alone = { f: await contents(files, "f"), g: await contents(files, "g") };
    const [f, g] = await Promise.all([contents(files, "f"), contents(files, "g")]);
    expect({ f, g }).toEqual(alone);
    expect((await at(files, "g")).size).toBe(512 * 50);
  });

  const unreadable: [what: string, begin: BeginSketch, expected: string][] = [
    ["a volume", { objsetType: 3 }, 'Cannot read files of "tank/s@s": it is a volume'],
    ["a stream sent raw", { features: 1n << 24n }, 'Cannot read files of "tank/s@s": it is encrypted: sent raw'],
    ["a resumed stream", { features: 1n << 20n }, 'Cannot read files of "tank/s@s": it is the rest of a stream that broke off'],
    ["an incremental alone", { fromGuid: 9n }, 'Cannot read files of ZFS stream "0": "tank/s@s" starts from a snapshot that did not come'],
  ];
  test.each(unreadable)("knows %s, whose files it does not read", async (_, begin, expected) => {
    const [dataset] = await load(empty(begin));
    expect(dataset?.snapshots.map(({ name }) => name)).toEqual(["s"]);
    expect(await refusal(() => (dataset as LoadedDataset).fileSystem())).toBe(expected);
  });

  test("knows real streams that were sent raw", async () => {
    const [dataset] = await load(fixtureStream("w.full-w.s1"), fixtureStream("w.incr-w-i.s1-s2"));
    expect(dataset?.snapshots.map(({ name }) => name)).toEqual(["s1", "s2"]);
    expect(await refusal(() => (dataset as LoadedDataset).fileSystem())).toContain("it is encrypted: sent raw");
  });

  test("refuses an incremental that does not start where its dataset is", async () => {
    expect(await refusal(() => load(empty({}), empty({ toGuid: 3n, fromGuid: 2n })))).toContain("starts from a snapshot that did not come");
    expect(await refusal(() => load(fixtureStream("lz4.incr-c-i.s1-s2"), fixtureStream("lz4.incr-c-i.s1-s2")))).toContain("starts from");
  });

  test("a clone can be read after its origin, but not behind later snapshots of it", async () => {
    const later = empty({ toName: "tank/s@t", toGuid: 2n, fromGuid: 1n });
    const clone = empty({ toName: "tank/clone@c", toGuid: 3n, fromGuid: 1n });
    expect((await load(empty({}), clone)).map(({ name }) => name)).toEqual(["tank/clone"]);
    const [, second] = await load(empty({}), later, clone);
    expect(await refusal(() => (second as LoadedDataset).fileSystem())).toBe(
      'Cannot read files of ZFS stream "2": "tank/clone@c" starts from a snapshot of "tank/s" that later ones have replaced',
    );
  });

  test("an incremental of a dataset that was renamed follows its guid", async () => {
    const datasets = await load(empty({}), empty({ toName: "tank/new@t", toGuid: 2n, fromGuid: 1n }));
    expect(datasets.map(({ name, snapshots }) => [name, snapshots.length])).toEqual([["tank/new", 2]]);
  });
});

async function load(...streams: readonly Uint8Array[]): Promise<readonly LoadedDataset[]> {
  return loadDatasets(streams.map((bytes, index) => ({ what: `${index}`, source: VirtualFile.of(bytes) })));
}

function empty(begin: BeginSketch): Buffer {
  return streamBytes({ begin, records: () => [] });
}

async function refusal(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof ToolError) return error.message;
    throw error;
  }
  return "none";
}
