/**
 * Sample streams beside the manifests of the trees that were sent: which streams make which state. A name is `DATASET.KIND-FLAGS.SNAPSHOTS`,
 * without the dataset where there is one only: `p.full-plain.s1`, `L.incr-Lec-I.s1-s3`, `repl-R.s3`.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { RECORD_BYTES } from "../../src/zfs/dmu/record.ts";
import { containerArchive } from "./container-stream.ts";
import { begin, END, records } from "./dmu.ts";
import { recordsOf } from "./zfs-stream.ts";

/** The directories that samples lie in, and where in their datasets the tree is. */
const SAMPLE_DIRECTORIES = { "openzfs-2.1": "tree", "zfs-fuse": "tree", "tiny-2.1": "" } as const;

/** A stream, and what becomes of it. */
export interface Sample {
  /** `openzfs-2.1/p.full-plain.s1` */
  name: string;
  /** Directory of the streams and manifests, and of the tree in the dataset. */
  place: string;
  under: string;
  /** Streams that make the state, this one the last. */
  streams: readonly string[];
  expected: { state: string; apart?: readonly string[] } | { names: readonly string[] } | { refusal: string };
}

type Expectation = Pick<Sample, "streams" | "expected">;

/** All streams below a directory; those that are there of {@link SAMPLE_DIRECTORIES}. @throws Error for a name that says nothing */
export function samplesIn(directory: string): Sample[] {
  return Object.entries(SAMPLE_DIRECTORIES).flatMap(([kind, under]) => {
    const place = path.join(directory, kind);
    const files = fs.existsSync(place) ? fs.readdirSync(place).filter((name) => name.endsWith(".zfs")) : [];
    const names = files.map((file) => file.slice(0, -".zfs".length)).toSorted();
    return names.map((name) => ({ name: `${kind}/${name}`, place, under, ...expectationOf(name, names) }));
  });
}

/** The bytes of a sample as one input: the stream itself, an archive of a full and an incremental one, or a package of all. */
export async function sampleInput({ place, streams }: Sample): Promise<Uint8Array> {
  const [full = new Uint8Array(0), ...others] = streams.map((name) => fs.readFileSync(path.join(place, `${name}.zfs`)));
  const [incremental] = others;
  if (incremental === undefined) return full;
  const isOfOneDataset = others.length === 1 && !streams.some((name) => name.includes("repl-R"));
  return isOfOneDataset
    ? await containerArchive({ datasets: { "": full }, incremental, kind: "pipe" })
    : await packageOf([full, ...others]);
}

/** Streams, and what is in packages, one behind the other in a package. */
async function packageOf(streams: readonly Uint8Array[]): Promise<Uint8Array> {
  return Buffer.concat([records([begin({ compound: true }), END]), ...(await Promise.all(streams.map(unwrapped))), records([END])]);
}

/** The streams in a package; a stream as it is. */
async function unwrapped(stream: Uint8Array): Promise<Uint8Array> {
  const ends = (await recordsOf(stream)).filter((record) => record.kind === "end");
  const head = ends.find(({ closes }) => closes === "packageHead");
  return head === undefined ? stream : stream.subarray(head.offset + RECORD_BYTES, ends.at(-1)?.offset);
}

function expectationOf(name: string, names: readonly string[]): Expectation {
  const streams = [name];
  if (name === "vol.full") return { streams, expected: { refusal: "it is a volume" } };
  if (name === "resume.from-token") return { streams, expected: { refusal: "it is the rest of a stream that broke off" } };
  if (name === "e.empty") return { streams, expected: { names: [] } };
  if (name.startsWith("ck")) return { streams, expected: { names: ["f"] } };
  // files were made in the clone beside the tree, and in s4 the directory that the child is mounted on
  if (name === "clone.incr-from-origin") return { streams: ["p.full-plain.s1", name], expected: { state: "p.s1" } };
  if (name === "p.repl-R.s4") return { streams, expected: { state: "p.s3", apart: [".", "./kid"] } };
  const [, dataset = "", kind, flags = "", from = "s1", to] = parse(name) ?? [];
  if (to === undefined) throw new Error(`${name}: what is this?`);
  const isFull = kind === "full" || (kind === "repl" && !name.includes("-I"));
  if (flags.startsWith("w"))
    return { streams: isFull ? streams : [`${dataset}full-w.s1`, name], expected: { refusal: "it is encrypted: sent raw" } };
  return { streams: isFull ? streams : [...streamsTo(from, dataset, names), name], expected: { state: `${dataset}${to}` } };
}

/** Streams that make a snapshot: a full one of s1, and what comes then. */
function streamsTo(snapshot: string, dataset: string, names: readonly string[]): string[] {
  const full = names.find((name) => name.startsWith(`${dataset}full`) && name.endsWith(".s1"));
  const next = names.find((name) => name.startsWith(`${dataset}incr-i`) && name.endsWith(`.s1-${snapshot}`));
  return [full, ...(snapshot === "s1" ? [] : [next])].filter((name) => name !== undefined);
}

/** Dataset with its dot, kind, flags, first and last snapshot. */
function parse(name: string): RegExpExecArray | null {
  return /^(?:([^.]+\.))?(full|incr|repl)(?:-([^.]*))?\.(?:(s\d)-|bookmark\.)?(s\d)$/.exec(name);
}
