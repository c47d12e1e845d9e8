/** Entries that were read from one tar, or made of something else, as another tar. */
import { damaged } from "../../errors.ts";
import { concat, type ByteStream } from "../bytes.ts";
import { displayName } from "./display-name.ts";
import { paddingOf } from "./header.ts";
import { paxXattrs } from "./pax.ts";
import type { TarEntry } from "./read.ts";
import { encodeEntry } from "./write.ts";

/** Gives entries one after the other, as a TarReader does. */
export interface Entries {
  /** The next entry; undefined at the end. */
  next(): TarEntry | undefined | Promise<TarEntry | undefined>;
}

const GATHER_BYTES = 256 * 1024;

/**
 * Encodes entries with their data, without the end blocks.
 *
 * @param entries the data of each is read before the next one is asked for; device numbers must fit a header
 * @throws ToolError damaged for an entry whose data has not the size that it says
 */
export async function* writeEntries(entries: Entries): ByteStream {
  let held: Uint8Array[] = [];
  let size = 0;
  for (let entry = await entries.next(); entry !== undefined; entry = await entries.next()) {
    for await (const piece of encodeWithData(entry)) {
      held.push(piece);
      size += piece.length;
      if (size < GATHER_BYTES) continue;
      yield concat(held);
      held = [];
      size = 0;
    }
  }
  if (size > 0) yield concat(held);
}

async function* encodeWithData(entry: TarEntry): ByteStream {
  const { name, mode, uid, gid, size, mtimeNs, typeflag, linkname, devmajor, devminor, sparse, pax } = entry;
  const xattrs = [...paxXattrs(pax)];
  yield encodeEntry({ name, mode: mode & 0o7777, uid, gid, size, mtimeNs, typeflag, linkname, devmajor, devminor, sparse, xattrs });
  let left = size;
  for await (const chunk of entry.body()) {
    left -= chunk.length;
    yield chunk;
  }
  if (left !== 0) throw damaged(`Cannot copy "${displayName(name)}": its data has not the ${size} bytes that are announced`);
  if (paddingOf(size) > 0) yield new Uint8Array(paddingOf(size));
}
