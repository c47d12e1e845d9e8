/**
 * Layers flattened in the plainest way: a table of paths, in which a name's directory is whatever stands before its last slash, and all
 * below a path is what begins with it. For comparing with what flattening a tree gives.
 */
import type { EntrySketch } from "../../support/tar.ts";
import { factsLine, xattrText, type FileFacts, type FlatFacts } from "./flat-facts.ts";

/** A file, which may stand in the table under several paths. */
type ModelFile = Omit<FileFacts, "names">;

/** A layer that no program would take. */
class Refused extends Error {}

const DIRECTORY: ModelFile = { typeflag: "5", mode: 0o755, uid: 0, mtimeNs: 0n, content: "", xattrs: [] };

/** Flattens layers. @throws Refused */
export function modelFacts(layers: readonly (readonly EntrySketch[])[]): FlatFacts {
  const model = new Model();
  for (const layer of layers) model.apply(layer);
  return model.facts();
}

/** The layers without the entries that make them refused. */
export function acceptable(layers: readonly (readonly EntrySketch[])[]): EntrySketch[][] {
  const kept: EntrySketch[][] = [];
  for (const layer of layers) {
    const last: EntrySketch[] = [];
    kept.push(last);
    for (const sketch of layer) {
      last.push(sketch);
      if (isRefused(kept)) last.pop();
    }
  }
  return kept;
}

/** Whether no program would take the layers. */
export function isRefused(layers: readonly (readonly EntrySketch[])[]): boolean {
  try {
    modelFacts(layers);
    return false;
  } catch (error) {
    if (error instanceof Refused) return true;
    throw error;
  }
}

class Model {
  /** Paths begin with a slash; the root's is empty. */
  readonly #files = new Map<string, ModelFile>([["", { ...DIRECTORY }]]);
  /** Paths that the layer at hand has entries for, and those that only lead to them. */
  #own = new Set<string>();
  #ways = new Set<string>();

  apply(layer: readonly EntrySketch[]): void {
    this.#own = new Set();
    this.#ways = new Set();
    for (const sketch of layer) this.#take(sketch);
  }

  facts(): FlatFacts {
    const paths = [...this.#files];
    const lines = paths.map(([path, file]): [string, string] => {
      const names = paths.filter(([, other]) => other === file).map(([name]) => name.slice(1));
      return [path.slice(1) || ".", factsLine({ ...file, names })];
    });
    return Object.fromEntries(lines);
  }

  #take(sketch: EntrySketch): void {
    const path = clean(sketch.name);
    if (path === "") {
      if (sketch.typeflag !== "5") throw new Refused();
      return void this.#files.set("", fileOf(sketch));
    }
    const [parent, name] = [this.#real(parentOf(path)), baseOf(path)];
    this.#makeDirectories(parent);
    if (name === ".wh..wh..opq") this.#hide((other) => other.startsWith(`${parent}/`));
    else if (name.startsWith(".wh.")) this.#hide((other) => isAt(other, `${parent}/${name.slice(4)}`));
    else this.#put(`${parent}/${name}`, sketch);
  }

  #put(path: string, sketch: EntrySketch): void {
    const there = this.#files.get(path);
    if (there?.typeflag === "5" && sketch.typeflag === "5") {
      this.#files.set(path, fileOf(sketch));
    } else {
      if (this.#own.has(path) || this.#ways.has(path)) throw new Refused();
      for (const other of this.#files.keys()) if (isAt(other, path)) this.#files.delete(other);
      this.#files.set(path, sketch.typeflag === "1" ? this.#linked(sketch) : fileOf(sketch));
    }
    this.#own.add(path);
    for (let at = parentOf(path); at !== ""; at = parentOf(at)) if (!this.#own.has(at)) this.#ways.add(at);
  }

  #linked(sketch: EntrySketch): ModelFile {
    const path = clean(sketch.linkname ?? "");
    const file = this.#files.get(`${this.#real(parentOf(path))}/${baseOf(path)}`);
    if (path === "" || file === undefined || file.typeflag === "5") throw new Refused();
    const { mode, xattrs, ...rest } = fileOf(sketch);
    const names = new Set(xattrs.map(nameOf));
    return Object.assign(file, {
      uid: rest.uid,
      mtimeNs: rest.mtimeNs,
      ...(file.typeflag === "2" ? {} : { mode }),
      xattrs: [...file.xattrs.filter((xattr) => !names.has(nameOf(xattr))), ...xattrs].toSorted(),
    });
  }

  #hide(isHidden: (path: string) => boolean): void {
    for (const path of this.#files.keys()) {
      if (!isHidden(path) || this.#own.has(path)) continue;
      if (this.#ways.has(path)) this.#files.set(path, { ...DIRECTORY });
      else this.#files.delete(path);
    }
  }

  #makeDirectories(path: string): void {
    const file = this.#files.get(path);
    if (file !== undefined && file.typeflag !== "5") throw new Refused();
    if (file !== undefined) return;
    this.#makeDirectories(parentOf(path));
    this.#files.set(path, { ...DIRECTORY });
  }

  /** The path with all links followed. */
  #real(path: string, links = 0): string {
    if (path === "") return "";
    const parent = this.#real(parentOf(path), links);
    if (baseOf(path) === "..") return parentOf(parent);
    const real = `${parent}/${baseOf(path)}`;
    const file = this.#files.get(real);
    if (links > 100) throw new Refused();
    if (file?.typeflag === "2") {
      const target = file.content.startsWith("/") ? file.content : `${parent}/${file.content}`;
      return this.#real(target.replaceAll(/\/+(\.(?=\/|$)\/*)*/g, "/").replace(/\/$/, ""), links + 1);
    }
    if (file !== undefined && file.typeflag !== "5") throw new Refused();
    return real;
  }
}

function fileOf({
  typeflag = "0",
  mode = 0o644,
  uid = 0,
  mtimeNs = 0n,
  data,
  linkname,
  devmajor,
  devminor,
  xattrs = [],
}: EntrySketch): ModelFile {
  const content = typeflag === "3" ? `${devmajor}:${devminor}` : typeflag === "2" ? (linkname ?? "") : String(data ?? "");
  return {
    typeflag,
    mode,
    uid,
    mtimeNs,
    content,
    xattrs: xattrs.map(([name, value]) => xattrText(name, value)).toSorted(),
  };
}

/** The path from the root, as names are told in it: `..` takes back the name before. */
function clean(name: string): string {
  const steps: string[] = [];
  for (const step of name.split("/")) {
    if (step === ".." && steps.pop() === undefined) throw new Refused();
    if (step !== "" && step !== "." && step !== "..") steps.push(step);
  }
  return steps.map((step) => `/${step}`).join("");
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function baseOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function isAt(path: string, top: string): boolean {
  return path === top || path.startsWith(`${top}/`);
}

function nameOf(xattr: string): string {
  return xattr.slice(0, xattr.indexOf("="));
}
