/**
 * Real streams against what was really in the file systems: type, mode, owner, size, links, time, link target, device numbers, extended
 * attributes and a sum of every file.
 */
import { describe, expect, test } from "bun:test";
import * as fs from "node:fs";
import * as path from "node:path";
import { openInput } from "../../../src/sys/input.ts";
import { loadDatasets, type StreamInput } from "../../../src/zfs/zpl/dataset.ts";
import { fixtureFacts, fixtureStream, manifestFacts, treeFacts, type TreeFacts } from "../../support/stream-tree.ts";
import { VirtualFile } from "../../support/virtual-file.ts";

describe("a small tree", () => {
  test.each([
    ["p.s1", "p.full.s1"],
    ["p.s1", "p.full-p.s1"],
    ["p.s2", "p.full.s1 p.incr-i.s1-s2"],
    ["p.s3", "p.full.s1 p.incr-I.s1-s3"],
    ["lz4.s1", "lz4.full-c.s1"],
    ["lz4.s1", "lz4.full-e.s1"],
    ["lz4.s2", "lz4.full-e.s1 lz4.incr-c-i.s1-s2"],
    ["gzip-9.s1", "gzip-9.full-ec.s1"],
    ["lzjb.s1", "lzjb.full-ec.s1"],
    ["zle.s1", "zle.full-ec.s1"],
    ["zstd.s1", "zstd.full-ec.s1"],
    ["L.s1", "L.full-Lec.s1"],
    ["rs4k.s1", "rs4k.full-c.s1"],
    ["xdir.s1", "xdir.full.s1"],
    ["spill-2.3.s1", "spill-2.3.full-e.s1"],
  ])("%s is what %s says", async (state, streams) => {
    const inputs = streams.split(" ").map((name) => ({ what: name, source: VirtualFile.of(fixtureStream(name)) }));
    expect(await facts(inputs, "")).toEqual(fixtureFacts(state));
  });

  test("in a package of everything (-R) each dataset is at its last snapshot", async () => {
    const datasets = await loadDatasets([{ what: "p", source: VirtualFile.of(fixtureStream("p.repl-R.s4")) }]);
    expect(datasets.map(({ name, snapshots }) => `${name}@${snapshots.map((snapshot) => snapshot.name).join()}`)).toEqual([
      "tank/p@s1,s2,s3,s4",
      "tank/p/kid@s4",
    ]);
    const [parent] = datasets;
    const seen = await treeFacts(await (parent as (typeof datasets)[0]).fileSystem(), "");
    const before = fixtureFacts("p.s3");
    // between s3 and s4 only the directory came that the child is mounted on
    delete seen.tree["./kid"];
    delete seen.tree["."];
    delete before.tree["."];
    expect(seen).toEqual(before);
  });
});

/** Streams of `../shared/streams` unpacked: made of one varied tree by OpenZFS 2.1 and by zfs-fuse. */
const DIRECTORY = process.env["CTAR_STREAMS"];
const NOTE = DIRECTORY === undefined ? " (skipped: CTAR_STREAMS names no directory of sample streams)" : "";

describe(`a varied tree of 3,000 files${NOTE}`, () => {
  const OPENZFS = [
    ["p.s1", "p.full-plain.s1"],
    ["p.s1", "p.full-p.s1"],
    ["p.s2", "p.full-plain.s1 p.incr-i.s1-s2"],
    ["p.s2", "p.full-plain.s1 p.incr-i.bookmark.s2"],
    ["p.s3", "p.full-p.s1 p.incr-i.s1-s2 p.incr-i.s2-s3"],
    ["p.s3", "p.full-plain.s1 p.incr-i.s1-s3"],
    ["p.s3", "p.full-plain.s1 p.incr-I.s1-s3"],
    ["p.s3", "p.repl-R.s3"],
    ["p.s3", "p.full-plain.s1 p.repl-R-I.s1-s3"],
    ["l.s1", "l.full-plain.s1"],
    ["l.s2", "l.full-plain.s1 l.incr-c-i.s1-s2"],
    ["l.s3", "l.full-c.s1 l.incr-c-I.s1-s3"],
    ["z.s1", "z.full-plain.s1"],
    ["z.s1", "z.full-c.s1"],
    ["z.s1", "z.full-e.s1"],
    ["z.s3", "z.full-ec.s1 z.incr-c-I.s1-s3"],
    ["L.s1", "L.full-noL.s1"],
    ["L.s3", "L.full-noL.s1 L.incr-L-I.s1-s3"],
    ["L.s3", "L.full-L.s1 L.incr-L-I.s1-s3"],
    ["L.s3", "L.full-Lec.s1 L.incr-Lec-I.s1-s3"],
    ["w.s1", "w.full-plain-decrypted.s1"],
  ] as const;
  test.skipIf(DIRECTORY === undefined).each(OPENZFS)("OpenZFS 2.1: %s is what %s says", async (state, streams) => {
    const [seen, expected] = await bigFacts("openzfs-2.1", state, streams);
    expect(seen).toEqual(expected);
  });

  const ZFS_FUSE = [
    ["s1", "full-plain.s1"],
    ["s1", "full-p.s1"],
    ["s1", "full-dedup.s1"],
    ["s2", "full-plain.s1 incr-i.s1-s2"],
    ["s3", "full-dedup.s1 incr-i.s1-s2 incr-i.s2-s3"],
    ["s3", "full-p.s1 incr-i.s1-s3"],
    ["s3", "full-dedup.s1 incr-I.s1-s3"],
    ["s3", "full-plain.s1 repl-R-I.s1-s3"],
    ["s3", "repl-R.s3"],
  ] as const;
  test.skipIf(DIRECTORY === undefined).each(ZFS_FUSE)("zfs-fuse: %s is what %s says", async (state, streams) => {
    const [seen, expected] = await bigFacts("zfs-fuse", state, streams);
    for (const file of Object.keys(seen.tree)) seen.tree[file] = wholeSeconds(seen.tree[file] ?? "");
    // attributes were not taken down of all states
    if (Object.keys(expected.xattrs).length === 0) expected.xattrs = seen.xattrs;
    expect(seen).toEqual(expected);
  });
});

async function bigFacts(kind: string, state: string, streams: string): Promise<[TreeFacts, TreeFacts]> {
  const place = path.join(DIRECTORY ?? "", kind);
  await using opened = new AsyncDisposableStack();
  const inputs: StreamInput[] = [];
  for (const name of streams.split(" ")) inputs.push({ what: name, source: opened.use(await openInput(`${place}/${name}.zfs`)) });
  const seen = await facts(inputs, "tree");
  const read = (suffix: string): Buffer => {
    const file = `${place}/${state}.${suffix}`;
    return fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
  };
  return [seen, manifestFacts(read)];
}

async function facts(inputs: readonly StreamInput[], under: string): Promise<TreeFacts> {
  const [first] = await loadDatasets(inputs);
  if (first === undefined) throw new Error("no dataset");
  return treeFacts(await first.fileSystem(), under);
}

/** zfs-fuse keeps nanoseconds, but showed whole seconds only. */
function wholeSeconds(line: string): string {
  return line.replace(/^((?:\S+ ){6}-?\d+)\d{9} /, (_, seconds: string) => `${seconds}${"0".repeat(9)} `);
}
