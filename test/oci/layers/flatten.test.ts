import { describe, expect, test } from "bun:test";
import { ToolError } from "../../../src/errors.ts";
import { flatten } from "../../../src/oci/layers/flatten.ts";
import type { LayerSource } from "../../../src/oci/layers/layer-pass.ts";
import { RootTree } from "../../../src/oci/layers/root-tree.ts";
import { Directory, File, NO_LAYER } from "../../../src/oci/layers/tree-nodes.ts";
import { drain } from "../../../src/stream/bytes.ts";
import { sketchTar, streamOf, type EntrySketch } from "../../support/tar.ts";
import { bytesLayer, flatFacts, layerOf } from "./flat-facts.ts";

const LOWER: EntrySketch[] = [
  { name: "d/", typeflag: "5", mode: 0o755 },
  { name: "d/f", data: "f" },
  { name: "file", data: "file" },
  { name: "loop", typeflag: "2", linkname: "loop" },
  { name: "out", typeflag: "2", linkname: "../../../d" },
  { name: "nowhere", typeflag: "2", linkname: "not/there" },
];

describe("flatten", () => {
  test("gives directories, then data in the order of the layers, then the rest, links behind their first name", async () => {
    const layers = [
      layerOf("0", { name: "z/", typeflag: "5" }, { name: "z/late", data: "0" }, { name: "a/early", data: "1" }, { name: "empty" }),
      layerOf("1", { name: "pipe", typeflag: "6" }, { name: "b", data: "2" }, { name: "a/b", typeflag: "1", linkname: "z/late" }),
    ];
    const entries = (await flatten(layers)).entries();
    const seen: string[] = [];
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
      seen.push([entry.typeflag, Buffer.from(entry.name), Buffer.from(entry.linkname)].join(" ").trimEnd());
    }
    expect(seen).toEqual(["5 ./", "5 ./a/", "5 ./z/", "0 ./a/b", "1 ./z/late ./a/b", "0 ./a/early", "0 ./b", "0 ./empty", "6 ./pipe"]);
  });

  test("opens the layers twice, and in the second pass only those that have data left", async () => {
    const opened: string[] = [];
    const layers = [
      layerOf("gone", { name: "f", data: "old" }),
      layerOf("links", { name: "s", typeflag: "2", linkname: "f" }),
      layerOf("data", { name: "f", data: "new" }),
    ].map((layer): LayerSource => ({ what: layer.what, open: () => (opened.push(layer.what), layer.open()) }));
    await flatFacts(layers);
    expect(opened).toEqual(["gone", "links", "data", "data"]);
  });

  test("keeps what a hard link has bound to, though the name it bound to gets another file or goes", async () => {
    const layers = [
      layerOf("0", { name: "a", data: "first" }, { name: "b", typeflag: "1", linkname: "a" }),
      layerOf("1", { name: "c", typeflag: "1", linkname: "./a" }, { name: "a/", typeflag: "5" }),
      layerOf("2", { name: ".wh.b" }, { name: "d", typeflag: "1", linkname: "/c" }),
    ];
    const facts = await flatFacts(
      layers.slice(0, 1).concat(layerOf("1", { name: "c", typeflag: "1", linkname: "a" }), layerOf("2", { name: "a", data: "second" })),
    );
    expect(facts).toMatchObject({ a: "0 644 0 0 second", b: "0 644 0 0 first names b,c", c: "0 644 0 0 first names b,c" });
    expect(await flatFacts(layers)).toMatchObject({ a: "5 644 0 0 ", c: "0 644 0 0 first names c,d", d: "0 644 0 0 first names c,d" });
  });

  test("gives a file the owner, mode and time of the link to it, and keeps its attributes", async () => {
    const capability: [Uint8Array, Uint8Array] = [Buffer.from("security.capability"), Buffer.from("cap")];
    const layer = layerOf(
      "0",
      { name: "a", data: "x", xattrs: [capability] },
      { name: "b", typeflag: "1", linkname: "a", mode: 0o755, uid: 7, mtimeNs: 9n },
    );
    expect(await flatFacts([layer])).toMatchObject({ a: "0 755 7 9 x security.capability=cap names a,b" });
  });

  test("leaves out what aufs kept in the root, and links what it kept for links", async () => {
    const layer = layerOf(
      "0",
      { name: ".wh..wh.aufs" },
      { name: ".wh..wh.orph/", typeflag: "5" },
      { name: ".wh..wh.plnk/", typeflag: "5" },
      { name: ".wh..wh.plnk/12.34", data: "linked" },
      { name: "a", typeflag: "1", linkname: ".wh..wh.plnk/12.34" },
      { name: "d/b", typeflag: "1", linkname: "/.wh..wh.plnk/12.34" },
    );
    const line = "0 644 0 0 linked names a,d/b";
    expect(await flatFacts([layer])).toEqual({ ".": "5 755 0 0 ", a: line, d: "5 755 0 0 ", "d/b": line });
  });

  test("hides everything below an opaque root but what its layer brings", async () => {
    const layers = [layerOf("0", ...LOWER), layerOf("1", { name: "new" }, { name: ".wh..wh..opq" })];
    expect(Object.keys(await flatFacts(layers))).toEqual([".", "new"]);
  });

  test("keeps holes, also in a file that is nothing else", async () => {
    const sparse = { size: 1024 * 1024, segments: [{ offset: 1024 * 1024, length: 0 }] };
    const entries = (await flatten([layerOf("0", { name: "hole", sparse, data: "" })])).entries();
    await entries.next();
    expect(await entries.next()).toMatchObject({ typeflag: "0", sparse });
  });

  test.each<[string, EntrySketch, string]>([
    ["a name that leads out", { name: "d/../../x" }, "its name leads out of the root"],
    ["a mark that leads out", { name: "../.wh.x" }, "its name leads out of the root"],
    ["a NUL in a name", { name: `${"n".repeat(300)}/a\0b` }, "its name holds a NUL byte"],
    ["a name no file can have", { name: "x".repeat(256) }, "its name has a step of 256 bytes, more than 255"],
    ["a name below a file", { name: "file/x" }, "it lies below what is no directory"],
    ["a mark below a file", { name: "file/.wh.x" }, "it lies below what is no directory"],
    ["a name below a loop", { name: "loop/x" }, "symbolic links make its path longer than 10000 steps"],
    ["a mark without a name", { name: "d/.wh." }, "it removes what has no name"],
    ["a mark of its directory", { name: "d/.wh.." }, "it removes what has no name"],
    ["a mark of the directory above", { name: "d/.wh..." }, "it removes what has no name"],
    ["a root that is a link", { name: "./", typeflag: "2", linkname: "/etc" }, "the root is no directory"],
    ["a link to nothing", { name: "x", typeflag: "1", linkname: "d/nothing" }, 'its target "d/nothing" is not there'],
    ["a link to itself", { name: "file", typeflag: "1", linkname: "file" }, 'its target "file" is not there'],
    ["a link to a directory", { name: "x", typeflag: "1", linkname: "d" }, 'its target "d" is a directory'],
    ["a link to the root", { name: "x", typeflag: "1", linkname: "/" }, 'its target "/" is a directory'],
    ["a link out", { name: "x", typeflag: "1", linkname: "../etc/shadow" }, 'its target "../etc/shadow" leads out of the root'],
    [
      "a link below a file",
      { name: "x", typeflag: "1", linkname: "file/x" },
      'its target "file/x" cannot be found: it lies below what is no directory',
    ],
    ["a link without a target", { name: "x", typeflag: "2", linkname: "" }, 'its target "" is no path'],
    ["a type that nobody knows", { name: "x", typeflag: "V" }, 'its type "V" is unknown'],
  ])("refuses %s", async (_, sketch, reason) => {
    const name = sketch.name.replace("\0", "\\0");
    const error = await refusal([layerOf("lower", ...LOWER), layerOf("sha256:abc", { name: "ok" }, sketch)]);
    expect(error.code).toBe("damaged");
    expect(error.message).toContain(`of layer "sha256:abc": ${reason}`);
    if (name.length < 100) expect(error.message).toContain(`Cannot apply "${name}"`);
  });

  test.each<[string, EntrySketch, EntrySketch]>([
    ["two files", { name: "x" }, { name: "./x" }],
    ["a file and a directory", { name: "x" }, { name: "x/", typeflag: "5" }],
    ["a directory and a link", { name: "x/", typeflag: "5" }, { name: "x", typeflag: "2", linkname: "/etc" }],
    ["a directory that an entry lies in and a file", { name: "x/y" }, { name: "x" }],
    ["a file and what a link makes the same name of", { name: "d/x" }, { name: "out/x" }],
  ])("refuses %s of one name in a layer", async (_, one, other) => {
    const error = await refusal([layerOf("lower", ...LOWER), layerOf("twice", one, other)]);
    expect(error.message).toContain('of layer "twice": it takes the place of what the same layer has put there');
  });

  test("takes two entries of one directory in a layer, and the last one's mode", async () => {
    const layer = layerOf("0", { name: "d/", typeflag: "5", mode: 0o700 }, { name: "d/f" }, { name: "d/", typeflag: "5", mode: 0o711 });
    expect(await flatFacts([layer])).toMatchObject({ d: "5 711 0 0 ", "d/f": "0 644 0 0 " });
  });

  test("stays in the root where links lead above it, and makes what they lead to", async () => {
    const layer = layerOf("1", { name: "out/x", data: "in d" }, { name: "nowhere/x", data: "made" });
    expect(await flatFacts([layerOf("0", ...LOWER), layer])).toMatchObject({ "d/x": "0 644 0 0 in d", "not/there/x": "0 644 0 0 made" });
  });

  test("says which layer is damaged, and where", async () => {
    const tar = sketchTar({ name: "a", data: "x" }, { name: "b" });
    tar[1024] = 1;
    const error = await refusal([bytesLayer("whole", sketchTar()), bytesLayer("broken", tar)]);
    expect(error.message).toBe('Cannot read layer "broken"');
    expect(error.facts).toMatchObject({ layer: "broken", offset: 1024 });
  });

  test("lets through what a layer itself fails with, behind the end of its tar", async () => {
    const failure = new ToolError("damaged", "the digest differs");
    const layer: LayerSource = {
      what: "0",
      async *open() {
        yield* streamOf(sketchTar({ name: "a" }));
        throw failure;
      },
    };
    expect(await refusal([layer])).toBe(failure);
  });

  test.each<[string, EntrySketch[]]>([
    [
      "other data",
      [
        { name: "a", data: "x" },
        { name: "b", data: "Y" },
      ],
    ],
    [
      "other data of what is not left",
      [
        { name: "a", data: "X" },
        { name: "b", data: "y" },
      ],
    ],
    [
      "other headers",
      [
        { name: "a", data: "x" },
        { name: "b", data: "y", mode: 0 },
      ],
    ],
    ["a shorter layer", [{ name: "a", data: "x" }]],
    ["a longer layer", [{ name: "a", data: "x" }, { name: "b", data: "y" }, { name: "c" }]],
    [
      "a link in place of a file",
      [
        { name: "a", data: "x" },
        { name: "b", typeflag: "2", linkname: "a" },
      ],
    ],
  ])("refuses a layer that has %s when it is read again", async (_, changed) => {
    const tars = [sketchTar({ name: "a", data: "x" }, { name: "b", data: "y" }), sketchTar(...changed)];
    const layer: LayerSource = { what: "changing", open: () => streamOf(tars.shift() ?? new Uint8Array(0)) };
    const error = await refusal([layer, layerOf("1", { name: ".wh.a" })]);
    expect(error.message).toBe('Cannot read layer "changing": its bytes changed while it was read');
  });

  test("closes a layer that is not read to its end", async () => {
    let open = 0;
    const layer: LayerSource = {
      what: "0",
      async *open() {
        open += 1;
        try {
          yield* streamOf(sketchTar({ name: "a", data: "x" }, { name: "b", data: "y" }), [512]);
        } finally {
          open -= 1;
        }
      },
    };
    const entries = (await flatten([layer])).entries();
    await entries.next();
    await entries.next();
    expect(open).toBe(1);
    await entries.close();
    expect(open).toBe(0);
  });
});

describe("RootTree", () => {
  const facts = { typeflag: "2", special: undefined, layer: NO_LAYER, headerOffset: 0 };
  const metadata = { mode: 0, uid: 0, gid: 0, mtimeNs: 0n, xattrs: new Map() };

  test("tells when it holds too many names, and counts those out that are taken away", () => {
    const tree = new RootTree();
    const file = new File(facts, metadata);
    for (let index = 0; index < 4_000_000; index++) tree.put(tree.root, "f", file);
    expect(tree.excess).toBeUndefined();
    const directory = new Directory({ parent: tree.root, name: "d" });
    tree.put(tree.root, "d", directory);
    tree.put(directory, "one", file);
    expect(tree.excess).toBe("more than 4000000 files");
    tree.remove(tree.root, "d");
    expect(tree.excess).toBeUndefined();
    expect(file.names).toBe(4_000_000);
  });

  test("tells when it has taken too much text", () => {
    const tree = new RootTree();
    const file = new File({ ...facts, special: "t".repeat(4000) }, metadata);
    for (let index = 0; index < 134_000; index++) tree.put(tree.root, "f", file);
    expect(tree.excess).toBeUndefined();
    for (let index = 0; index < 300; index++) tree.put(tree.root, "f", file);
    expect(tree.excess).toBe("more than 536870912 bytes of names and link targets");
  });

  test("tells when it has taken too many attributes, those that are the same but once", () => {
    const tree = new RootTree();
    const share = (value: string): unknown => tree.share(new Map([["SCHILY.xattr.user.x", Buffer.from(value.padEnd(1024 * 1024, "x"))]]));
    for (let index = 0; index < 100; index++) share("same");
    expect(tree.excess).toBeUndefined();
    for (let index = 0; index < 40; index++) share(String(index));
    expect(tree.excess).toBe("more than 33554432 bytes of attributes");
  });
});

async function refusal(layers: readonly LayerSource[]): Promise<ToolError> {
  try {
    const entries = (await flatten(layers)).entries();
    for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) await drain(entry.body());
  } catch (error) {
    if (error instanceof ToolError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
