/**
 * A tree with everything that a file system can hold and an archive can lose, and a listing that shows each of these things.
 */
import { run, shell } from "./platform.ts";

const FILL = String.raw`
  mkdir -p "$TREE"; cd "$TREE"
  mkdir plain empty-directory deep sticky; mkdir -p deep/a/b/c/d/e
  echo hello > plain/file; : > plain/empty; head -c 700000 /dev/urandom > plain/random; yes 'compresses well' | head -c 300000 > plain/repeated || true
  ln plain/file plain/hardlink; ln plain/file deep/a/b/c/hardlink
  ln -s file plain/symlink; ln -s "$(printf '%01000d' 0)" plain/long-symlink; ln -s /nowhere plain/dangling
  mknod plain/character c 1 3; mknod plain/block b 259 70000; mkfifo plain/fifo; mknod plain/old-device c 200 201
  truncate -s 2M plain/sparse; printf end >> plain/sparse; printf middle | dd of=plain/sparse bs=1M seek=1 conv=notrunc status=none
  echo a > 'plain/späces ünd 日本語 🐧'; echo b > $'plain/new\nline'; echo c > $'plain/caf\xe9'; echo d > 'plain/-rf "quoted" \back$lash*'; echo e > "plain/$(printf 'n%.0s' {1..255})"
  mkdir $'plain/\xff\xfe'; echo f > $'plain/\xff\xfe/inside'
  setfattr -n user.comment -v text plain/file; setfattr -n user.binary -v 0x00ff0a0d plain/random; setfattr -n user.long -v "$(printf '%03000d' 1)" plain/empty
  setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 plain/repeated
  setfattr -n user.on-directory -v 1 empty-directory; setfattr -h -n trusted.on-symlink -v 1 plain/symlink
  chown -h 4000000000:3999999999 plain/empty plain/dangling empty-directory; chown 1000:1000 plain/random; chown 0:65535 deep/a
  chmod 4755 plain/random; chmod 2755 deep/a; chmod 1777 sticky; chmod 000 plain/empty; chmod 0421 plain/fifo
  touch -h -d '1960-02-29 01:02:03.000000001 UTC' plain/long-symlink plain/character deep/a/b
  touch -h -d '2400-02-29 12:34:56.987654321 UTC' plain/file plain/symlink
  touch -h -d '1970-01-01 00:00:00 UTC' plain/empty empty-directory`;

/** Fills a directory, which is made. */
export async function fillTree(directory: string): Promise<void> {
  await shell(`TREE='${directory}'\n${FILL}`);
}

const LIST = String.raw`
  cd "$1"
  find . -print0 | LC_ALL=C sort -z > "$2"
  echo '# path type mode owner time size links inode target'
  find . -printf '%P  %y %m %U:%G %T@ %s %n %i %l\0' | LC_ALL=C sort -z | tr '\n\0' '\001\n'
  echo '# devices'
  find . \( -type b -o -type c \) -exec stat -c '%n %F %t:%T' {} + | sort
  echo '# extended attributes'
  xargs -0 -a "$2" getfattr -h -d -m - -e hex --
  echo '# contents'
  find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum -b`;

/**
 * Lists a tree with what is mounted in it: paths, types, modes, owners, times in nanoseconds, sizes, links (by inode, which a ZFS stream keeps),
 * devices, extended attributes, contents.
 */
export async function listTree(directory: string): Promise<string> {
  // Names are bytes: read as Latin-1, none is lost.
  const script = `set -euo pipefail; names=$(mktemp); trap 'rm "$names"' EXIT; list() { ${LIST}\n}; list "$1" "$names" | iconv -f latin1 -t utf8`;
  const { code, stdout, stderr } = await run(["bash", "-c", script, "list", directory]);
  if (code !== 0 || stderr !== "") throw new Error(`cannot list ${directory}: ${stderr}`);
  return stdout;
}
