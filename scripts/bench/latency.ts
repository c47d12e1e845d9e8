/** How long short commands take, each in a process of its own, next to a process that does nothing. */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { BLOCK_BYTES, encodeHeader } from "../../src/stream/tar/header.ts";
import { syntheticStream } from "../../test/support/synthetic-stream.ts";
import { makePool } from "./pools.ts";
import { latencyTable } from "./table.ts";

/** How often each is run. */
export const LATENCY_ROUNDS = 20;
const GIB = 1024 ** 3;
const PIECES = [8 * GIB - 1, 8 * GIB - 1, 1024];

/** Measures them in turn. @param directory for an archive that takes next to no space; it is removed again @returns a table */
export function measureLatency(program: string, directory: string): string {
  const place = fs.mkdtempSync(path.join(directory, "ctar-bench-"));
  try {
    const archive = path.join(place, "large.tar");
    makeLargeArchive(archive, program, place);
    const commands = new Map([
      ["a process that does nothing", { argv: ["true"], milliseconds: [] as number[] }],
      ["ctar --version", { argv: [program, "--version"], milliseconds: [] as number[], atMost: 30 }],
      ["ctar inspect, 16 GiB", { argv: [program, "inspect", archive], milliseconds: [] as number[], atMost: 100 }],
    ]);
    for (let run = 0; run < LATENCY_ROUNDS; run += 1)
      for (const { argv, milliseconds } of commands.values()) milliseconds.push(timeOf(argv));
    return latencyTable(commands);
  } finally {
    fs.rmSync(place, { recursive: true });
  }
}

function timeOf([file = "", ...args]: readonly string[]): number {
  const begin = performance.now();
  const { status, stderr } = spawnSync(file, args, { encoding: "utf8" });
  const milliseconds = performance.now() - begin;
  if (status !== 0) throw new Error(`${file} ${args.join(" ")}: exit code ${status}\n${stderr}`);
  return milliseconds;
}

/** An archive with a raw stream of 16 GiB in pieces, made of a small one by putting holes where its data was. */
function makeLargeArchive(file: string, program: string, place: string): void {
  const small = path.join(place, "small.tar");
  makePool(path.join(place, "pool"), "small");
  fs.mkdirSync(path.join(place, "pool/ct/small/private"), { recursive: true });
  execFileSync(program, ["export", "--pool", `dir:${path.join(place, "pool")}`, "small", small], { stdio: "pipe" });
  const texts = execFileSync("tar", ["-xOf", small, "metadata.yml"], { encoding: "utf8" }).replace("format: tar", "format: zfs");
  const container = execFileSync("tar", ["-xOf", small, "config/container.yml"], { encoding: "utf8" });
  const fd = fs.openSync(file, "w");
  let at = 0;
  const add = (name: string, size: number, data: string | Uint8Array = ""): void => {
    fs.writeSync(fd, header(name, size), 0, BLOCK_BYTES, at);
    const bytes = Buffer.from(data as string);
    fs.writeSync(fd, bytes, 0, bytes.length, at + BLOCK_BYTES);
    at += BLOCK_BYTES + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  };
  add("metadata.yml", texts.length, texts);
  add("config/container.yml", container.length, container);
  const [begin] = syntheticStream({ files: 0 });
  PIECES.forEach((size, index) => add("rootfs/base.dat", size, index === 0 ? begin : ""));
  add("snapshots.yml", "--- []\n".length, "--- []\n");
  fs.ftruncateSync(fd, at + 2 * BLOCK_BYTES);
  fs.closeSync(fd);
}

function header(name: string, size: number): Uint8Array {
  const ids = { uid: 0, gid: 0, uname: "", gname: "", devmajor: 0, devminor: 0 };
  return encodeHeader({ name: Buffer.from(name), mode: 0o100644, size, mtime: 0, typeflag: "0", linkname: Buffer.alloc(0), ...ids });
}
