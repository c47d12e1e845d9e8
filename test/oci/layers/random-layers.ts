/** Layers for property tests: few names, so that entries meet. */
import fc from "fast-check";
import type { EntrySketch } from "../../support/tar.ts";

const TIME_NS = 1_600_000_000_000_000_000n;
const NAMES = ["a", "b", "c"];
const TARGETS = ["a", "../b", "/c", "a/b", "/a/b/c", "..", "/", "c/../b", "./a//b/", "nowhere"];

/** Layers, the lowest first. */
export function arbitraryLayers(): fc.Arbitrary<EntrySketch[][]> {
  return fc.array(fc.uniqueArray(arbitraryEntry(), { selector: ({ name }) => name.replace(/\/$/, ""), maxLength: 4 }), {
    minLength: 2,
    maxLength: 6,
  });
}

function arbitraryEntry(): fc.Arbitrary<EntrySketch> {
  const steps = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 });
  const path = steps.map((names) => names.join("/"));
  const meta = fc.record({
    mode: fc.constantFrom(0o755, 0o644, 0o4711),
    uid: fc.constantFrom(0, 1000),
    mtimeNs: fc.bigInt({ min: TIME_NS, max: TIME_NS + 9n }),
    xattrs: fc.constantFrom(
      ...[
        [],
        [["user.x", "1"]],
        [
          ["user.x", "2"],
          ["user.y", "3"],
        ],
      ].map((pairs) => pairs.map(asXattr)),
    ),
  });
  const entry = fc.oneof(
    { weight: 6, arbitrary: path.map((name) => ({ name: `${name}/`, typeflag: "5" })) },
    { weight: 5, arbitrary: fc.tuple(path, fc.constantFrom("", "one", "two")).map(([name, data]) => ({ name, data })) },
    { weight: 2, arbitrary: fc.tuple(path, fc.constantFrom(...TARGETS)).map(([name, linkname]) => ({ name, linkname, typeflag: "2" })) },
    { weight: 2, arbitrary: fc.tuple(path, path).map(([name, linkname]) => ({ name, linkname, typeflag: "1" })) },
    { weight: 1, arbitrary: path.map((name) => ({ name, typeflag: "3", devmajor: 1, devminor: 3 })) },
    { weight: 3, arbitrary: steps.map((names) => ({ name: [...names.slice(0, -1), `.wh.${names.at(-1)}`].join("/") })) },
    { weight: 2, arbitrary: path.map((name) => ({ name: `${name}/.wh..wh..opq` })) },
    { weight: 1, arbitrary: path.map((name) => ({ name: `./${name}/../b/./d`, data: "odd name" })) },
    { weight: 1, arbitrary: fc.constant({ name: "./", typeflag: "5" }) },
  );
  // Linux has user attributes on files and directories only
  return fc.tuple(entry, meta).map(([sketch, facts]) => ({ ...facts, ...sketch, xattrs: isPlain(sketch) ? facts.xattrs : [] }));
}

function isPlain({ typeflag = "0" }: EntrySketch): boolean {
  return typeflag === "0" || typeflag === "5";
}

function asXattr([name = "", value = ""]: readonly string[]): [Uint8Array, Uint8Array] {
  return [Buffer.from(name), Buffer.from(value)];
}
