/**
 * What an input is, told by its first bytes: those of a ZFS stream, or the name of the first member of a tar that tells. An archive of osctl's begins
 * with `metadata.yml`, images with members called after digests or with one of their lists; any other tar is a root filesystem, as docker export
 * writes it.
 */
import { memberKind } from "../../archive/layout.ts";
import { ToolError } from "../../errors.ts";
import { isImageMember } from "../../oci/reading/image-members.ts";
import { storedPath } from "../../oci/reading/files.ts";
import { isSeekable, type ByteSource } from "../../stream/bytes.ts";
import type { Compression } from "../../stream/compression.ts";
import { startOf, unpack } from "../../stream/input-start.ts";
import { ReplaySource } from "../../stream/replay-source.ts";
import { TarReader } from "../../stream/tar/read.ts";
import { beginsStream, STREAM_START_BYTES } from "../../zfs/dmu/verify.ts";

/** A container archive or a ZFS stream, also what may be a damaged one; images; a flat tar. */
export type InputKind = "archive" | "images" | "rootfs";

/** An input that was looked at. */
export interface Recognized {
  readonly kind: InputKind;
  /** How all of it is compressed. */
  readonly compression: Compression;
  /** All of the input, as it is stored. */
  readonly source: ByteSource;
}

/** Directories that tell nothing. */
const COMMON = new Set(["", "config", "hooks", "rootfs", "blobs", "ctar"]);
const COMMON_LIMIT = 16;
const DIRECTORY = "5";

/** Looks at the beginning of an input. @param what what messages call it @throws ToolError for one that cannot be read */
export async function recognize(input: ByteSource, what: string): Promise<Recognized> {
  const start = isSeekable(input) ? undefined : new ReplaySource(input);
  const told = await look(start ?? input, what);
  start?.rewind();
  if (isSeekable(input)) input.seek(0);
  return { ...told, source: start ?? input };
}

async function look(input: ByteSource, what: string): Promise<Omit<Recognized, "source">> {
  await using unpacked = await unpack(input, what);
  return { kind: await tell(unpacked.source), compression: unpacked.compression };
}

/** What is damaged at once is left to who reads archives to complain of. */
async function tell(source: ByteSource): Promise<InputKind> {
  try {
    const { head, all } = await startOf(source, STREAM_START_BYTES);
    return beginsStream(head) ? "archive" : await tellTar(all);
  } catch (error) {
    if (error instanceof ToolError && error.code === "damaged") return "archive";
    throw error;
  }
}

async function tellTar(source: ByteSource): Promise<InputKind> {
  const tar = new TarReader(source);
  for (let count = 0; count < COMMON_LIMIT; count++) {
    const entry = await tar.next();
    if (entry === undefined) break;
    const name = Buffer.from(entry.name).toString("utf8");
    const path = storedPath(name) ?? name;
    const { is } = memberKind(path);
    if (is !== "other" && is !== "hook") return "archive";
    if (isImageMember(path)) return "images";
    if (entry.typeflag !== DIRECTORY || !COMMON.has(path)) return "rootfs";
  }
  return "archive";
}
