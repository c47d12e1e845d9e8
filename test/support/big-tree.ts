/**
 * A tree that is hard on whoever carries it: what `fillTree` has, and ACLs, capabilities, owners up to the largest id, times before 1970 and
 * after 2106, names of 255 bytes, a path of 4000, a large file that is nearly all hole, and a great many small files. As a program:
 *
 *     bun test/support/big-tree.ts ROOT FILES SPARSE_BYTES
 */
import { loadLibc, type Libc } from "../../src/sys/libc.ts";
import * as linux from "../../src/sys/linux.ts";
import { shell } from "./platform.ts";
import { fillTree } from "./rich-tree.ts";

/** How large a tree. */
export interface BigTreeOptions {
  files: number;
  sparseBytes: number;
}

const FILES_IN_DIRECTORY = 1000;
const PATH_BYTES = 4000;
const NAME_BYTES = 255;
const LARGEST_ID = 4_294_967_294;
/** 1901, just before 1970, now, after 2038, after 2106, and the last second that ext4 knows. */
const SECONDS = [-2_147_483_648n, -1n, 1_700_000_000n, 2_147_483_648n, 4_294_967_296n, 15_032_385_535n];
const IDS = [0, 1000, 65_534, 65_536, 1_065_536, 2_147_483_648, LARGEST_ID];
const MODES = [0o644, 0o600, 0o755, 0o4755, 0o2750, 0o1666, 0o000];

/** Makes the tree, as root, in a directory that is made. */
export async function makeBigTree(root: string, { files, sparseBytes }: BigTreeOptions): Promise<void> {
  await fillTree(root);
  await shell(`
    cd '${root}'
    mkdir acls; touch acls/access acls/own; mkdir acls/default acls/both
    setfacl -m u:0:r,u:1234:rwx,u:${LARGEST_ID}:x,g:77:rw,m:rw acls/access; setfacl -m u:${LARGEST_ID}:rw acls/own; chown ${LARGEST_ID}:${LARGEST_ID} acls/own
    setfacl -d -m u:99:rx,g:${LARGEST_ID}:r,o:- acls/default; setfacl -m u:5:r acls/both; setfacl -d -m m:r acls/both; chmod 2710 acls/both
    touch ping; setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 ping; chown 65536:65536 ping
    setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 ping; chmod 0755 ping
    setfattr -n trusted.overlay.opaque -v y acls/both; setfattr -n user.empty ping; setfattr -n 'user.per%cent=sign' -v 1 ping
    chown -h ${LARGEST_ID}:${LARGEST_ID} . plain/fifo plain/symlink; touch -h -d @-1.5 plain/fifo`);
  const libc = await loadLibc();
  const fd = libc.open(linux.AT_FDCWD, Buffer.from(`${root}/.`), linux.O_RDONLY | linux.O_DIRECTORY);
  makeLongPath(libc, fd);
  makeSparseFile(libc, fd, sparseBytes);
  makeManyFiles(libc, fd, files);
  libc.close(fd);
}

/** Directories in one another, and a file in the last whose path, `./` before it, has 4000 bytes. */
function makeLongPath(libc: Libc, root: number): void {
  let fd = root;
  let left = PATH_BYTES - "./".length;
  for (let depth = 0; left > NAME_BYTES + 1; depth++) {
    const name = Buffer.alloc(NAME_BYTES, 97 + (depth % 26));
    libc.makeDirectory(fd, name, 0o755);
    const next = libc.open(fd, name, linux.O_RDONLY | linux.O_DIRECTORY);
    if (fd !== root) libc.close(fd);
    fd = next;
    left -= NAME_BYTES + 1;
  }
  makeFile(libc, fd, { name: Buffer.alloc(left, 0xc5), data: Buffer.from("deep down"), index: 0 });
  libc.close(fd);
}

/** A file with data at its beginning, in its middle and near its end, which is a hole. */
function makeSparseFile(libc: Libc, root: number, bytes: number): void {
  const fd = libc.open(root, Buffer.from("sparse"), linux.O_WRONLY | linux.O_CREAT | linux.O_EXCL, 0o600);
  for (const at of [0, Math.floor(bytes / 2), bytes - 2 ** 20]) libc.write(fd, Buffer.from(`data at ${at}`), at);
  libc.truncate(fd, bytes);
  libc.close(fd);
}

function makeManyFiles(libc: Libc, root: number, files: number): void {
  for (let first = 0; first < files; first += FILES_IN_DIRECTORY) {
    const name = Buffer.from(`many-${first}`);
    libc.makeDirectory(root, name, 0o755);
    const fd = libc.open(root, name, linux.O_RDONLY | linux.O_DIRECTORY);
    for (let index = first; index < Math.min(files, first + FILES_IN_DIRECTORY); index++) {
      makeFile(libc, fd, { name: Buffer.from(`file-${index}`), data: Buffer.alloc((index * 7919) % 3000, `${index} `), index });
    }
    libc.close(fd);
  }
}

function makeFile(libc: Libc, dirFd: number, { name, data, index }: { name: Uint8Array; data: Uint8Array; index: number }): void {
  const fd = libc.open(dirFd, name, linux.O_WRONLY | linux.O_CREAT | linux.O_EXCL, 0o600);
  libc.write(fd, data, 0);
  libc.chown(fd, IDS[index % IDS.length] ?? 0, IDS[(index >> 3) % IDS.length] ?? 0);
  if (index % 50 === 1) libc.setXattr(fd, Buffer.from("user.index"), Buffer.from(`${index}`));
  const mtimeNs = (SECONDS[index % SECONDS.length] ?? 0n) * 1_000_000_000n + BigInt((index * 104_729) % 1_000_000_000);
  libc.setTimes(fd, { atimeNs: mtimeNs, mtimeNs });
  libc.chmod(fd, MODES[index % MODES.length] ?? 0);
  libc.close(fd);
}

if (import.meta.main) {
  const [root = "", files = "", sparseBytes = ""] = process.argv.slice(2);
  await makeBigTree(root, { files: Number(files), sparseBytes: Number(sparseBytes) });
}
