/**
 * 30 layers that are hard to flatten, and about which umoci, podman, docker and containerd agree. First come scenes, each in a
 * directory of its own; then the same few names become one thing after the other; the last layers turn over what is there.
 */
import type { EntrySketch } from "../../support/tar.ts";

const TIME_NS = 1_500_000_000_123_456_789n;
/** cap_net_raw, permitted and effective (VFS_CAP_REVISION_2). */
const CAPABILITY = Buffer.from("0100000200200000000000000000000000000000", "hex");
const LONG = "long-".repeat(30);

/** The layers, the lowest first. */
export function adversarialImage(): EntrySketch[][] {
  return [...scenes(), ...Array.from({ length: 12 }, (_, turn) => churn(turn)), ...ending()];
}

function scenes(): EntrySketch[][] {
  return [
    [
      directory("./", { mode: 0o751 }),
      ...["wh", "opq", "type", "link", "sym", "meta", "deep", "odd", "churn"].map((name) => directory(`${name}/`)),
      ...tree("wh/gone/"),
      ...tree("wh/kept/"),
      file("wh/.hidden"),
      file("wh/-dash"),
      ...tree("opq/all/"),
      ...tree("opq/late/"),
      ...tree("opq/nested/inner/"),
      ...tree("type/directory-to-file/"),
      ...tree("type/directory-to-link/"),
      file("type/file-to-directory"),
      link("type/link-to-directory", "nowhere"),
      file("type/file-to-fifo"),
    ],
    // names removed that other layers bring back, one that was never there, a directory with all below, names that sort around the mark
    [mark("wh/.wh.gone"), mark("wh/.wh..hidden"), mark("wh/.wh.-dash"), mark("wh/.wh.never-there"), mark("wh/kept/.wh.one")],
    [directory("wh/gone/", { mode: 0o700, uid: 7 }), file("wh/gone/new"), file("wh/.hidden", { data: "again" })],
    // opaque before and behind what the layer itself puts there, and one inside the other
    [
      directory("opq/all/"),
      mark("opq/all/.wh..wh..opq"),
      file("opq/all/two", { data: "new two" }),
      directory("opq/all/sub/", { mode: 0o711 }),
    ],
    [
      directory("opq/late/"),
      file("opq/late/two", { data: "before the mark" }),
      directory("opq/late/sub/"),
      file("opq/late/sub/new"),
      mark("opq/late/.wh..wh..opq"),
      directory("opq/nested/"),
      directory("opq/nested/inner/"),
      file("opq/nested/inner/new"),
      mark("opq/nested/inner/.wh..wh..opq"),
      mark("opq/nested/.wh..wh..opq"),
    ],
    [
      file("type/directory-to-file", { data: "was a directory" }),
      link("type/directory-to-link", "../wh/kept"),
      directory("type/file-to-directory/", { mode: 0o2775 }),
      file("type/file-to-directory/inside"),
      directory("type/link-to-directory/"),
      { ...meta(), name: "type/file-to-fifo", typeflag: "6" },
      { ...meta(), name: "type/device", typeflag: "3", devmajor: 1, devminor: 3, mode: 0o666 },
      { ...meta(), name: "type/block", typeflag: "4", devmajor: 7, devminor: 200, mode: 0o600 },
    ],
    // through a link that an older layer has made, where a directory is, and where its target begins at the root
    [
      file("type/directory-to-link/through", { data: "lies in wh/kept" }),
      link("sym/absolute", "/sym/../deep"),
      link("sym/up", "../../../deep"),
    ],
    [
      file("sym/absolute/a/b/c/d/e", { data: "parents made" }),
      file("sym/up/f"),
      link("sym/again", "absolute/a"),
      link("sym/dangling", "no/such/place"),
    ],
    [mark("sym/again/b/c/d/.wh.e"), file("sym/again/b/g"), file("./sym//./absolute/../plain", { data: "odd name" }), file("/odd/rooted")],
    // links to what stands below, within the layer, of links, to what is replaced and removed later
    [
      file("link/a", { data: "the first", mode: 0o4755 }),
      hardLink("link/b", "link/a", { mode: 0o4755 }),
      hardLink("link/c", "./link/b", { mode: 0o4755 }),
      link("link/s", "a"),
      file("link/empty"),
      hardLink("link/empty-too", "link/empty"),
    ],
    [
      file("link/a", { data: "the second" }),
      hardLink("link/d", "link/b", { mode: 0o4755 }),
      hardLink("wh/linked", "/link/c", { mode: 0o4755 }),
    ],
    [mark("link/.wh.b"), mark("link/.wh.empty"), hardLink("link/e", "sym/again/../../link/d", { mode: 0o4755 })],
    // owners, modes, times, attributes; a directory's replaced, a file's gone with it
    [
      file("meta/ping", { mode: 0o755, xattrs: [[Buffer.from("security.capability"), CAPABILITY]] }),
      file("meta/tagged", { uid: 100000, gid: 3000000000, xattrs: [[Buffer.from("user.a"), Buffer.from([0, 255, 10])]] }),
      directory("meta/sub/", { mode: 0o1777, xattrs: [[Buffer.from("user.d"), Buffer.from("old")]] }),
      file("meta/sub/stays"),
      file(`meta/${LONG}${LONG.slice(0, 90)}`, { data: "long name" }),
      link("meta/long-link", LONG.repeat(5)),
      file("meta/b\u00fccher \u{1f427}\n", { data: "name" }),
    ],
    [
      directory("meta/sub/", { mode: 0o555, gid: 12, xattrs: [[Buffer.from("user.d"), Buffer.from("new")]] }),
      file("meta/tagged", { mode: 0 }),
    ],
    [directory("./", { mode: 0o755, uid: 1 }), directory("meta/", { mode: 0o2755, mtimeNs: 1n }), directory("made/", { mode: 0o750 })],
  ];
}

/** Eight names, which become something else in every layer. */
function churn(turn: number): EntrySketch[] {
  const anchor = file("churn/anchor", { data: `anchor ${turn}` });
  return [anchor, ...Array.from({ length: 8 }, (_, index) => become(`churn/${index}`, turn * 3 + index * 5 + turn * index)).flat()];
}

function become(name: string, turn: number): EntrySketch[] {
  switch (turn % 8) {
    case 0:
      return [file(name, { data: `file ${turn}`, uid: turn })];
    case 1:
      return [...tree(`${name}/`), hardLink(`${name}/anchor`, "churn/anchor")];
    case 2:
      return [link(name, "anchor")];
    case 3:
      return [hardLink(name, "churn/anchor")];
    case 4:
      return [mark(name.replace("/", "/.wh."))];
    case 5:
      return [directory(`${name}/`, { mode: 0o500 }), file(`${name}/only`), mark(`${name}/.wh..wh..opq`)];
    case 6:
      return [{ ...meta(), name, typeflag: "6" }];
    default:
      return [directory(`${name}/`), file(`${name}/${turn}`), mark(`${name}/.wh.one`), directory(`${name}/sub/`)];
  }
}

/** podman's vfs copies the tree for each layer, and forgets with it which links and devices have several names: so those come last. */
function ending(): EntrySketch[][] {
  return [
    [hardLink("odd/anchor", "churn/anchor"), mark(".wh.deep"), file("made/by/the/way")],
    [directory("deep/", { mode: 0o700 }), file("sym/absolute/back"), directory("churn/"), mark("churn/.wh..wh..opq"), file("churn/last")],
    [
      hardLink("churn/anchor", "odd/anchor"),
      mark("made/.wh.by"),
      file("made/by-and-by"),
      link("made/s", "/etc/passwd"),
      hardLink("odd/s", "made/s"),
      hardLink("link/s-too", "link/s"),
      hardLink("link/device", "type/device", { mode: 0o666 }),
    ],
  ];
}

function tree(name: string): EntrySketch[] {
  return [directory(name, { mode: 0o750 }), file(`${name}one`), file(`${name}two`), directory(`${name}sub/`), file(`${name}sub/three`)];
}

function file(name: string, facts: Partial<EntrySketch> = {}): EntrySketch {
  return { ...meta(), data: name, ...facts, name };
}

function directory(name: string, facts: Partial<EntrySketch> = {}): EntrySketch {
  return { ...meta(), mode: 0o755, ...facts, name, typeflag: "5" };
}

function link(name: string, linkname: string): EntrySketch {
  return { ...meta(), mode: 0o777, name, linkname, typeflag: "2" };
}

/** Its metadata is to be that of its target: umoci leaves it out, the others do not. */
function hardLink(name: string, linkname: string, facts: Partial<EntrySketch> = {}): EntrySketch {
  return { ...meta(), ...facts, name, linkname, typeflag: "1" };
}

function mark(name: string): EntrySketch {
  return { ...meta(), name, mode: 0 };
}

function meta(): Partial<EntrySketch> {
  return { mtimeNs: TIME_NS, uid: 5, gid: 6 };
}
