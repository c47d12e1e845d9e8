/** Contents of files that are the same in every run: what compresses, what does not, and what does in part. */
import { createHash } from "node:crypto";

const NOISE_BYTES = 1024 * 1024;
const noiseOnce = makeNoise();
const TEXT = Buffer.from("All animals are equal, but some animals are more equal than others. ");

/** Bytes that do not compress. @param seed the same seed gives the same bytes */
export function noise(bytes: number, seed: number): Uint8Array {
  const all = Buffer.alloc(bytes);
  // another place in the same megabyte each time, so that nothing repeats within a block
  for (let at = 0, from = (seed * 40_961) % NOISE_BYTES; at < bytes; from = 0) at += noiseOnce.copy(all, at, from);
  return all;
}

/** Bytes that compress well. */
export function text(bytes: number, seed: number): Uint8Array {
  const line = Buffer.concat([Buffer.from(`${seed}: `), TEXT]);
  return Buffer.alloc(bytes, line);
}

/** Bytes of which a part compresses. */
export function mixture(bytes: number, seed: number): Uint8Array {
  const all = Buffer.from(text(bytes, seed));
  for (let at = 1000; at < bytes; at += 5000) all.set(noise(Math.min(1500, bytes - at), seed + at), at);
  return all;
}

function makeNoise(): Buffer {
  const pieces: Buffer[] = [];
  for (let count = 0; count * 64 < NOISE_BYTES; count += 1) pieces.push(createHash("sha512").update(`${count}`).digest());
  return Buffer.concat(pieces);
}

/** An entry of a POSIX ACL: tag (ACL_USER and so on), permissions, and the id that the tag is for. */
type AclEntry = readonly [tag: 1 | 2 | 4 | 8 | 16 | 32, permissions: number, id?: number];

const NO_ID = 0xffffffff;

/** Encodes the value of `system.posix_acl_access` and `system.posix_acl_default` (linux/posix_acl_xattr.h). */
export function posixAcl(...entries: readonly AclEntry[]): Uint8Array {
  const bytes = Buffer.alloc(4 + 8 * entries.length);
  bytes.writeUInt32LE(2, 0); // POSIX_ACL_XATTR_VERSION
  for (const [index, [tag, permissions, id = NO_ID]] of entries.entries()) {
    bytes.writeUInt16LE(tag, 4 + 8 * index);
    bytes.writeUInt16LE(permissions, 6 + 8 * index);
    bytes.writeUInt32LE(id, 8 + 8 * index);
  }
  return bytes;
}
