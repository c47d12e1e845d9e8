/**
 * A `zfs` without ZFS, for transfers of any size: a pool "fake" in the directory FAKE_ZFS_DIR, in which one container lives and another one
 * is received. Run through a script that {@link writeTransferPool} makes; it keeps no state but what `recv` saw, a line in `received`.
 *
 * `send` makes a stream of FAKE_ZFS_RECORDS WRITE records of 128 KiB, each half noise, half repetition; `recv` checks that it gets one.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { Fletcher4 } from "../../src/zfs/dmu/fletcher4.ts";
import { RECORD_BYTES } from "../../src/zfs/dmu/record.ts";

const PAYLOAD_BYTES = 128 * 1024;
const RECORD_COUNT = Number(process.env["FAKE_ZFS_RECORDS"]);
const DIRECTORY = process.env["FAKE_ZFS_DIR"] ?? "";
const GUID = 1234567890123456789n;
const FILE_OBJECT = 128n;
const FILE_CONTENTS = 19; // DMU_OT_PLAIN_FILE_CONTENTS
/** Records made ahead, to be sent again and again: more of them than a deflate window holds. */
const VARIANTS = 8;

const ANSWERS: readonly [pattern: RegExp, answer: () => string][] = [
  [/^version$/, () => "zfs-2.3.2-1\nzfs-kmod-2.3.2-1\n"],
  [/^list .*-d 0/, () => "fake\tyes\t-\n"],
  [/^list .*-r .*fake\/ct\/source$/, () => "fake/ct/source\n"],
  [/^list .*-r .*fake\/ct\/target\.ctar-\w+$/, () => "fake/ct/target.ctar\n"],
  [/^list .*-t snapshot /, () => ""],
  [/^list .* fake\/ct$/, () => "fake/ct\n"],
  [/^get .*mounted,mountpoint fake\/\w+$/, () => `yes\n${path.join(DIRECTORY, process.argv.at(-1)?.slice("fake/".length) ?? "")}\n`],
  [/^get .* compression /, () => "compression\tlz4\n"],
  [/^get .* (all|ctar:run) /, () => ""],
  [/^(snapshot|destroy|rename|inherit) /, () => ""],
];
const REFUSALS: readonly [pattern: RegExp, complaint: string][] = [
  [/^list .* fake\/ct\/target$/, "cannot open 'fake/ct/target': dataset does not exist"],
  [/^get .* uidmap /, "bad property list: invalid property 'uidmap'"],
];

function main(args: readonly string[]): void {
  const call = args.join(" ");
  if (args[0] === "send") return send();
  if (args[0] === "recv") return receive();
  const answer = ANSWERS.find(([pattern]) => pattern.test(call))?.[1];
  if (answer !== undefined) return void fs.writeSync(1, answer());
  fs.writeSync(2, `${REFUSALS.find(([pattern]) => pattern.test(call))?.[1] ?? `not foreseen: zfs ${call}`}\n`);
  process.exitCode = 1;
}

function send(): void {
  const variants = Array.from({ length: VARIANTS }, writeRecord);
  const sum = new Fletcher4();
  sum.reset(true);
  const put = (bytes: Uint8Array): void => {
    sum.update(bytes);
    writeAll(bytes);
  };
  put(record(0, { toName: "fake/ct/source@osctl-base-0" }));
  for (let index = 0; index < RECORD_COUNT; index += 1) put(variants[index % VARIANTS] as Uint8Array);
  const end = record(5);
  const view = new DataView(end.buffer);
  for (const [index, value] of sum.sums().entries()) view.setBigUint64(8 + 8 * index, value, true);
  view.setBigUint64(40, GUID, true);
  writeAll(end);
}

function receive(): void {
  const buffer = new Uint8Array(1024 * 1024);
  let tail = new Uint8Array(0);
  let total = 0;
  for (let count = readSome(buffer); count > 0; count = readSome(buffer)) {
    total += count;
    tail = Uint8Array.from([...tail, ...buffer.subarray(Math.max(0, count - RECORD_BYTES), count)].slice(-RECORD_BYTES));
  }
  const whole = total === streamBytes() && tail[0] === 5;
  fs.writeFileSync(path.join(DIRECTORY, "received"), `${total}\n`);
  if (whole) return;
  fs.writeSync(2, `cannot receive new filesystem stream: incomplete stream\n`);
  process.exitCode = 1;
}

/** Size of the stream in bytes. */
function streamBytes(): number {
  return 2 * RECORD_BYTES + RECORD_COUNT * (RECORD_BYTES + PAYLOAD_BYTES);
}

/** A record without payload; layout as in src/zfs/dmu/record.ts. */
function record(type: number, begin?: { toName: string }): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  if (begin === undefined) return bytes;
  view.setBigUint64(8, 0x2f5bacbacn, true);
  view.setBigUint64(16, 1n, true);
  view.setUint32(32, 2, true);
  view.setBigUint64(40, GUID, true);
  bytes.set(new TextEncoder().encode(begin.toName), 56);
  return bytes;
}

function writeRecord(): Uint8Array {
  const bytes = new Uint8Array(RECORD_BYTES + PAYLOAD_BYTES);
  bytes.set(record(3));
  const view = new DataView(bytes.buffer);
  view.setBigUint64(8, FILE_OBJECT, true);
  view.setUint32(16, FILE_CONTENTS, true);
  view.setBigUint64(32, BigInt(PAYLOAD_BYTES), true);
  view.setBigUint64(40, GUID, true);
  const noise = bytes.subarray(RECORD_BYTES, RECORD_BYTES + PAYLOAD_BYTES / 2);
  crypto.getRandomValues(noise);
  bytes.fill(7, RECORD_BYTES + noise.length);
  return bytes;
}

function writeAll(bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.length) done += retry(() => fs.writeSync(1, bytes, done));
}

function readSome(buffer: Uint8Array): number {
  return retry(() => fs.readSync(0, buffer));
}

/** The pipes may be non-blocking, which depends on who made them. */
function retry(action: () => number): number {
  for (;;) {
    try {
      return action();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

main(process.argv.slice(2));
