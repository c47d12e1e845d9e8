/** The zoo as ZFS streams: what `zfs send` can make of three snapshots, and files that ctar reads. */
import * as fs from "node:fs";
import * as path from "node:path";
import { containerArchive } from "../container-stream.ts";
import { finish, start } from "../program.ts";

/** Snapshots that are sent, the first being the base of what is incremental. */
export const SNAPSHOTS = ["s1", "s2", "s3"] as const;
/** Values of the property; `on` is lz4. */
export const COMPRESSIONS = ["off", "lz4", "lzjb", "gzip-1", "gzip-9", "zle", "zstd", "zstd-fast"] as const;
/** Options of `zfs send`. */
export const FLAGS = ["", "-c", "-L", "-e", "-Le", "-Lec", "-p", "-R"] as const;
/** A full stream by itself; archives with a base and a difference that leaves out the middle snapshot, or has it too. */
export const SHAPES = ["full", "incremental", "package"] as const;
export type Flags = (typeof FLAGS)[number];
export type Shape = (typeof SHAPES)[number];

/** What to send. */
export interface Sending {
  shape: Shape;
  flags: Flags;
  /** Of the difference, if others than those of the base. */
  laterFlags?: Flags;
  /** Whether streams are gzipped. */
  gzip?: boolean;
}

/** Sends one dataset in many ways into files of a directory, each stream once. */
export class Sender {
  readonly #dataset: string;
  readonly #directory: string;

  constructor(dataset: string, directory: string) {
    this.#dataset = dataset;
    this.#directory = directory;
  }

  /** A file with the last snapshot, as a bare stream or an archive. */
  async file({ shape, flags, laterFlags = flags, gzip = false }: Sending): Promise<string> {
    if (shape === "full") return await this.#send(flags, "s3");
    const [base, incremental] = [await this.#send(flags, "s1"), await this.#send(laterFlags, `${shape === "package" ? "-I" : "-i"} s1 s3`)];
    const file = path.join(this.#directory, "archive.tar");
    fs.writeFileSync(
      file,
      await containerArchive({ datasets: { "": fs.readFileSync(base) }, incremental: fs.readFileSync(incremental), gzip }),
    );
    return file;
  }

  async #send(flags: string, what: string): Promise<string> {
    const file = path.join(this.#directory, `${flags} ${what}.zfs`);
    if (fs.existsSync(file)) return file;
    const words = `${flags} ${what.replace(/s\d/g, (snapshot) => `${this.#dataset}@${snapshot}`)}`.trim().split(" ");
    const fd = fs.openSync(file, "wx");
    const { exitCode, stderr } = await finish(start(["zfs", "send", ...words], { stdio: ["ignore", fd, "pipe"] }));
    fs.closeSync(fd);
    if (exitCode !== 0) throw new Error(`zfs send ${words.join(" ")}: ${stderr}`);
    return file;
  }
}
