/**
 * What is measured: every benchmark is a stream and a list of pipelines, ours and their peers, which run in turn; and what is claimed of them.
 *
 * Commands are bash, with `pipefail`. In the environment they find
 *
 *     CTAR          the program                          PARTS  directory with the stream cut into CORES parts
 *     CTAR_ZFS      replays the stream on `send`,        TREE   directory pool with files in container "tree"
 *                   drops what it is given on `recv`     KEEP   directory for what `prepare` makes
 *     BENCH         this directory                       OUT    directory for output, empty before each run
 *     BENCH_POOL    directory behind the pool "bench"    DISK   the same, on disk for certain
 *     BENCH_STREAM  file of the stream                   LEVEL  gzip's
 */
import type { Claim } from "./statistics.ts";
import type { Flavour } from "./streams.ts";

/** A command to measure. */
export interface Pipeline {
  readonly name: string;
  readonly command: string;
  /** Run in the first round only, because its size is wanted more than its time. */
  readonly once?: boolean;
  /** What `ctar export --help` has to match for it to run. */
  readonly needs?: RegExp;
  /** A program that has to be there for it to run. */
  readonly tool?: string;
}

/** Pipelines that are compared. */
export interface Benchmark {
  readonly name: string;
  readonly title: string;
  readonly flavour: Flavour;
  /** Size of the stream, in basic ones. */
  readonly scale: number;
  /** Gzip level of the peers, if not ctar's default. */
  readonly level?: number;
  /** Run once before, not measured. */
  readonly prepare?: string;
  /** How much KEEP and OUT hold together at most, in streams. */
  readonly space: number;
  readonly pipelines: readonly Pipeline[];
  readonly claims: readonly Claim[];
  /** Tries an option beyond its default, where the limit of memory does not count. */
  readonly trial?: boolean;
}

/** Raw streams pass so fast that of a basic one the start of processes would be measured. */
const RAW_SCALE = 4;

const EXPORT = '"$CTAR" export --pool bench';
const IMPORT = '"$CTAR" import --pool bench --as-id target';
const SEND = '"$CTAR_ZFS" send bench/ct/source@now';
const RECEIVE = '"$CTAR_ZFS" recv bench/ct/target';
const UPSTREAM = 'ruby "$BENCH/upstream.rb"';
const PART = 'libdeflate-gzip -c -"$LEVEL" "$PARTS/$1" >"$OUT/$1.gz"';

const GZIP_PEERS: readonly Pipeline[] = [
  { name: "pigz", command: `${SEND} | pigz -p "$CORES" -"$LEVEL" >"$OUT/gz"` },
  { name: "libdeflate-gzip on parts", command: `ls "$PARTS" | xargs -P "$CORES" -I{} sh -c '${PART}' part {}` },
  { name: "igzip", command: `${SEND} | igzip -"$((LEVEL < 3 ? LEVEL : 3))" -T "$CORES" -o "$OUT/gz"` },
  { name: "gzip", command: `${SEND} | gzip -"$LEVEL" >"$OUT/gz"`, once: true },
];

/** An archive whose snapshot is called what the stream calls it. */
const ARCHIVE = `SOURCE_DATE_EPOCH=0 ${EXPORT} --compression off source "$KEEP/archive"`;

const TREES: readonly { flavour: Flavour; scale: number; of: string }[] = [
  { flavour: "tiny", scale: 0.375, of: "files of 1 to 4 KiB" },
  { flavour: "mixed", scale: 1, of: "files of all sizes" },
];

/** The same files out of a stream and out of a tar. */
const EXTRACTS: readonly Benchmark[] = TREES.map(({ flavour, scale, of }) => ({
  name: `read-extract-${flavour}`,
  title: `Extraction of ${of}`,
  flavour,
  scale,
  space: 2.5,
  prepare: '"$CTAR" extract --dataset-root "$BENCH_STREAM" -C "$OUT" && tar --format=posix -cf "$KEEP/tree.tar" -C "$OUT" .',
  pipelines: [
    { name: "ctar extract", command: '"$CTAR" extract --dataset-root "$BENCH_STREAM" -C "$OUT"' },
    { name: "tar -x", command: 'tar -xf "$KEEP/tree.tar" -C "$OUT"' },
  ],
  claims: [{ ours: "ctar extract", theirs: "tar -x", quantity: "time", atMost: 2 }],
}));

const LISTINGS: readonly Benchmark[] = TREES.map(({ flavour, scale, of }) => ({
  name: `read-ls-${flavour}`,
  title: `Listing of a raw archive, ${of}`,
  flavour,
  scale,
  space: 1.1,
  prepare: ARCHIVE,
  pipelines: [
    { name: "ctar ls -lR", command: '"$CTAR" ls -lR --dataset-root "$KEEP/archive" >/dev/null' },
    { name: "ctar verify", command: '"$CTAR" verify "$KEEP/archive"' },
  ],
  claims: [{ ours: "ctar ls -lR", theirs: "ctar verify", quantity: "time", atMost: 1 }],
}));

const SKOPEO = "skopeo --insecure-policy copy --dest-oci-accept-uncompressed-layers";

/** Other programs keep images in storages of their own. */
function podman(directory: string): string {
  return `podman --storage-driver=vfs --root="${directory}/storage" --runroot="${directory}/run"`;
}

/** An image into a store or a container, and one of these into an archive. */
const IMAGES: readonly Benchmark[] = [
  {
    name: "images-import-store",
    title: "Import of a docker-archive into an image store",
    flavour: "image",
    scale: 1,
    space: 1.2,
    pipelines: [
      { name: "ctar image import", command: '"$CTAR" init "dir:$OUT/pool" && "$CTAR" image import --pool "dir:$OUT/pool" "$BENCH_STREAM"' },
      { name: "skopeo copy", command: `${SKOPEO} docker-archive:"$BENCH_STREAM" oci:"$OUT/layout:1"`, tool: "skopeo" },
    ],
    claims: [{ ours: "ctar image import", theirs: "skopeo copy", quantity: "speed", atLeast: 0.8 }],
  },
  {
    name: "images-import-container",
    title: "Import of a docker-archive as a container",
    flavour: "image",
    scale: 1,
    space: 4.5,
    pipelines: [
      {
        name: "ctar import",
        command: '"$CTAR" init "dir:$OUT/pool" && "$CTAR" import --pool "dir:$OUT/pool" --as-id bench "$BENCH_STREAM"',
      },
      { name: "podman load", command: `${podman("$OUT")} load -q -i "$BENCH_STREAM"`, tool: "podman" },
    ],
    claims: [{ ours: "ctar import", theirs: "podman load", quantity: "speed", atLeast: 0.8 }],
  },
  {
    name: "images-export-store",
    title: "Export of a stored image as an OCI archive",
    flavour: "image",
    scale: 1,
    space: 3.3,
    prepare:
      '"$CTAR" init "dir:$KEEP/pool" && "$CTAR" image import --pool "dir:$KEEP/pool" "$BENCH_STREAM" && ' +
      `${SKOPEO} docker-archive:"$BENCH_STREAM" oci:"$KEEP/layout:1"`,
    pipelines: [
      { name: "ctar image export", command: '"$CTAR" image export --pool "dir:$KEEP/pool" localhost/bench:1 "$OUT/archive"' },
      { name: "skopeo copy", command: `${SKOPEO} oci:"$KEEP/layout:1" oci-archive:"$OUT/archive:1"`, tool: "skopeo" },
    ],
    claims: [{ ours: "ctar image export", theirs: "skopeo copy", quantity: "speed", atLeast: 0.8 }],
  },
  {
    name: "images-export-container",
    title: "Export of a container as an OCI archive",
    flavour: "image",
    scale: 1,
    space: 5.5,
    prepare:
      '"$CTAR" init "dir:$KEEP/pool" && "$CTAR" import --pool "dir:$KEEP/pool" --as-id bench "$BENCH_STREAM" && ' +
      `${podman("$KEEP")} load -q -i "$BENCH_STREAM"`,
    pipelines: [
      { name: "ctar export", command: '"$CTAR" export --pool "dir:$KEEP/pool" --format oci bench "$OUT/archive"' },
      {
        name: "podman save",
        command: `${podman("$KEEP")} save -q --format oci-archive -o "$OUT/archive" localhost/bench:1`,
        tool: "podman",
      },
    ],
    claims: [{ ours: "ctar export", theirs: "podman save", quantity: "speed", atLeast: 0.8 }],
  },
];

/** All benchmarks but those of sizes and of short commands. */
export const BENCHMARKS: readonly Benchmark[] = [
  {
    name: "export-gzip",
    title: "Export, gzip at the default level, to a file",
    flavour: "plain",
    scale: 1,
    space: 0.7,
    pipelines: [
      { name: "ctar", command: `${EXPORT} --compression gzip source "$OUT/archive"` },
      { name: "upstream's way", command: `${SEND} | ${UPSTREAM} "$OUT/archive" source "$BENCH_POOL/conf"` },
      ...GZIP_PEERS,
    ],
    claims: [
      { ours: "ctar", theirs: "upstream's way", quantity: "speed", atLeast: 5.5 },
      { ours: "ctar", theirs: "pigz", quantity: "speed", atLeast: 3 },
      { ours: "ctar", theirs: "libdeflate-gzip on parts", quantity: "speed", atLeast: 0.9 },
      { ours: "ctar", theirs: "gzip", quantity: "size", atMost: 1.01 },
    ],
  },
  {
    name: "export-gzip-1",
    title: "Export, gzip at level 1, to a file",
    flavour: "plain",
    scale: 1,
    space: 0.8,
    level: 1,
    pipelines: [{ name: "ctar", command: `${EXPORT} --compression gzip --level 1 source "$OUT/archive"`, needs: /--level/ }, ...GZIP_PEERS],
    claims: [
      { ours: "ctar", theirs: "pigz", quantity: "speed", atLeast: 2 },
      { ours: "ctar", theirs: "gzip", quantity: "size", atMost: 1.01 },
    ],
  },
  {
    name: "export-raw",
    title: "Export, raw, to a file",
    flavour: "packed",
    scale: RAW_SCALE,
    space: 1.1,
    pipelines: [
      { name: "ctar, no checks", command: `${EXPORT} --compression off --no-verify source "$OUT/archive"`, needs: /--(\[no-\]|no-)verify/ },
      { name: "ctar", command: `${EXPORT} --compression off source "$OUT/archive"` },
      { name: "zfs send > file", command: `${SEND} >"$OUT/stream"` },
    ],
    claims: [
      { ours: "ctar, no checks", theirs: "zfs send > file", quantity: "time", atMost: 1.05 },
      { ours: "ctar", theirs: "zfs send > file", quantity: "time", atMost: 1.5 },
    ],
  },
  {
    name: "export-pipe",
    title: "Export, raw, to a pipe",
    flavour: "packed",
    scale: RAW_SCALE,
    space: 0,
    pipelines: [
      { name: "ctar", command: `${EXPORT} --compression off source - | cat >/dev/null` },
      { name: "cat | cat", command: 'cat "$BENCH_STREAM" | cat >/dev/null' },
    ],
    claims: [{ ours: "ctar", theirs: "cat | cat", quantity: "speed", atLeast: 0.5 }],
  },
  {
    name: "import-gzip",
    title: "Import of ctar's gzip archive",
    flavour: "plain",
    scale: 1,
    space: 0.7,
    prepare: `${EXPORT} --compression gzip source "$KEEP/archive"`,
    pipelines: [
      { name: "ctar", command: `${IMPORT} "$KEEP/archive"` },
      { name: "tar | gunzip | recv", command: `tar -xOf "$KEEP/archive" rootfs/base.dat.gz | gunzip | ${RECEIVE}` },
    ],
    claims: [{ ours: "ctar", theirs: "tar | gunzip | recv", quantity: "speed", atLeast: 1.8 }],
  },
  {
    name: "import-upstream",
    title: "Import of upstream's gzip archive, a single gzip member",
    flavour: "plain",
    scale: 1,
    space: 0.7,
    prepare: `${SEND} | ${UPSTREAM} "$KEEP/archive" source "$BENCH_POOL/conf"`,
    pipelines: [
      { name: "ctar", command: `${IMPORT} "$KEEP/archive"` },
      { name: "tar | gunzip | recv", command: `tar -xOf "$KEEP/archive" rootfs/base.dat.gz | gunzip | ${RECEIVE}` },
    ],
    claims: [{ ours: "ctar", theirs: "tar | gunzip | recv", quantity: "speed", atLeast: 1.4 }],
  },
  {
    name: "import-raw",
    title: "Import of a raw archive",
    flavour: "packed",
    scale: RAW_SCALE,
    space: 1.1,
    prepare: `${EXPORT} --compression off source "$KEEP/archive"`,
    pipelines: [
      { name: "ctar", command: `${IMPORT} "$KEEP/archive"` },
      { name: "tar | recv", command: `tar -xOf "$KEEP/archive" rootfs/base.dat | ${RECEIVE}` },
    ],
    claims: [{ ours: "ctar", theirs: "tar | recv", quantity: "time", atMost: 1.1 }],
  },
  {
    name: "read-verify",
    title: "Verification of a raw archive",
    flavour: "packed",
    scale: RAW_SCALE,
    space: 1.1,
    prepare: ARCHIVE,
    pipelines: [
      { name: "ctar verify", command: '"$CTAR" verify "$KEEP/archive"' },
      { name: "openssl dgst -sha256", command: 'openssl dgst -sha256 "$KEEP/archive"' },
      { name: "zstream dump", command: 'zstream dump <"$BENCH_STREAM"', tool: "zstream" },
    ],
    claims: [
      { ours: "ctar verify", theirs: "openssl dgst -sha256", quantity: "time", atMost: 1.5 },
      { ours: "ctar verify", theirs: "zstream dump", quantity: "time", atMost: 2 },
    ],
  },
  ...LISTINGS,
  ...EXTRACTS,
  ...IMAGES,
  {
    name: "format-tar",
    title: "Export of a directory pool, format tar",
    flavour: "plain",
    scale: 1,
    space: 0.7,
    pipelines: [
      { name: "ctar", command: '"$CTAR" export --pool "dir:$TREE" tree "$OUT/archive"' },
      { name: "tar | gzip", command: 'tar -c -C "$TREE/ct/tree/private" . | gzip -"$LEVEL" >"$OUT/gz"' },
      { name: "tar | pigz", command: 'tar -c -C "$TREE/ct/tree/private" . | pigz -p "$CORES" -"$LEVEL" >"$OUT/gz"' },
    ],
    claims: [],
  },
  {
    name: "chunk-size",
    title: "Export and import over a pipe, raw, in pieces of different sizes",
    flavour: "plain",
    scale: 1,
    space: 0,
    trial: true,
    pipelines: ["256K", "1M", "4M", "16M", "64M"].map((size) => ({
      name: `--chunk-size ${size}`,
      command: `${EXPORT} --compression off --chunk-size ${size} source - | ${IMPORT} -`,
    })),
    claims: [],
  },
];

/** Run at every size, so that time and memory per byte can be compared. */
export const AT_SIZES: Benchmark = {
  name: "sizes",
  title: "The same at every size",
  flavour: "plain",
  scale: 1,
  space: 0.8,
  prepare: `${EXPORT} --compression gzip source "$KEEP/archive"`,
  pipelines: [
    { name: "export, gzip, to a file", command: `${EXPORT} --compression gzip source "$OUT/archive"` },
    { name: "export, raw, to a file on disk", command: `${EXPORT} --compression off source "$DISK/archive"` },
    { name: "export, raw, to a pipe", command: `${EXPORT} --compression off source - | cat >/dev/null` },
    { name: "import, gzip", command: `${IMPORT} "$KEEP/archive"` },
  ],
  claims: [],
};

/** Whether one of a benchmark's commands speaks of a variable. */
export function uses(benchmark: Benchmark, variable: string): boolean {
  return benchmark.pipelines.some(({ command }) => command.includes(`$${variable}`));
}
