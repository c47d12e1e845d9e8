/**
 * Another host that has no ctar, or one too old to be talked to, gets this very file for the time of an import.
 *
 * All of it is one session: a small program for the far end's `sh` looks for a directory where programs may run, says so, takes as many bytes from
 * its stdin as the file has, compares the checksum, and lets the copy read on. Nothing is sent ahead of that (`head` may read further than it is told), as
 * an import is fed only when it has said that it is ready. The directory is removed when the copy ends, and when the connection is lost.
 */
import { createHash, randomBytes } from "node:crypto";
import { arch } from "node:os";
import { ToolError } from "../../errors.ts";
import { readAll, type ByteStream } from "../../stream/bytes.ts";
import { describeProgram, programFile } from "../../sys/environment.ts";
import { openInput } from "../../sys/input.ts";

/** As `uname -m` calls them. */
const MACHINES: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

/**
 * In one line, as csh takes no other; `$0` is ctar, its arguments follow those of the program itself. A trap is needed for each signal that would end
 * the shell without the one for EXIT.
 */
const PROGRAM = [
  "machine=$1 bytes=$2 sum=$3 version=$4 token=$5; shift 5;",
  'if ctar import --help 2>/dev/null </dev/null | grep -q -e "--progress"; then exec ctar "$@"; fi;',
  'fail() { echo "error: $1" >&2; exit 1; };',
  '[ "$(uname -m)" = "$machine" ] || fail "this machine is a $(uname -m), and the ctar to copy is for $machine";',
  'clean() { [ -z "$dir" ] || rm -rf "$dir"; dir=; };',
  'runs() { echo "#!/bin/sh" >"$dir/ctar" && chmod 700 "$dir/ctar" && "$dir/ctar"; };',
  'fits() { df -Pk "$dir" | { read -r head; read -r fs all used free rest; [ -z "$free" ] || [ "$free" -gt $((bytes / 1024)) ]; }; };',
  'try() { [ -n "$1" ] || return 1; dir=$1/ctar.$token; mkdir "$dir" || { dir=; return 1; }; runs && fits || { clean; return 1; }; };',
  'dir=; umask 077; trap clean EXIT; trap "exit 1" HUP INT TERM PIPE;',
  'for place in "$TMPDIR" /tmp /var/tmp "$HOME" /dev/shm /run; do ! try "$place" 2>/dev/null || break; done;',
  '[ -n "$dir" ] || fail "neither \\$TMPDIR nor /tmp, /var/tmp, \\$HOME, /dev/shm or /run has room for ctar and lets programs run";',
  'echo "{\\"event\\":\\"bootstrap\\"}" >&2;',
  'head -c "$bytes" >"$dir/ctar"; [ "$(wc -c <"$dir/ctar")" -eq "$bytes" ] || fail "the copy of ctar is incomplete";',
  'got=$({ sha256sum || busybox sha256sum || openssl dgst -sha256 -r || shasum -a 256; } <"$dir/ctar" 2>/dev/null);',
  'if [ -n "$got" ]; then [ "${got%% *}" = "$sum" ]; else [ "$("$dir/ctar" --version </dev/null)" = "$version" ]; fi || fail "the copy of ctar is damaged";',
  '"$dir/ctar" "$@"; exit $?',
].join(" ");

/** This program's file, and the words that make another host wait for it. */
export interface Bootstrap {
  readonly words: readonly string[];
  readonly bytes: number;
  open(): ByteStream;
}

/** Prepares a copy. @param words what ctar will be called with there @throws ToolError usage if this is no file that could run elsewhere */
export async function prepareBootstrap(words: readonly string[]): Promise<Bootstrap> {
  const file = programFile();
  const machine = MACHINES[arch()];
  if (file === undefined || machine === undefined) {
    throw new ToolError("usage", "Cannot use --bootstrap: ctar runs from its source here, which is more than one file");
  }
  const open = async function* (): ByteStream {
    await using input = await openInput(file);
    yield* readAll(input);
  };
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of open()) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  const facts = [machine, `${bytes}`, hash.digest("hex"), describeProgram(), randomBytes(8).toString("hex")];
  return { words: ["exec", "sh", "-c", PROGRAM, "ctar", ...facts, ...words], bytes, open };
}
