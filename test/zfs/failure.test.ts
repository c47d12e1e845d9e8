import { describe, expect, test } from "bun:test";
import type { ErrorCode } from "../../src/errors.ts";
import { zfsFailure } from "../../src/zfs/failure.ts";

const ARGV = ["zfs", "recv", "-u", "tank/ct/web02"];

function failed(stderr: string) {
  return zfsFailure({ status: 1, signal: null, stderr }, 'receive "tank/ct/web02"', ARGV);
}

describe("zfsFailure", () => {
  // as OpenZFS 2.1.11 and 2.3.2 print them
  test.each<[string, ErrorCode, string]>([
    ["cannot create 'tank/ct/web02': dataset already exists", "exists", "dataset already exists"],
    ["cannot create snapshot 'tank/ct/web02@hourly': dataset already exists", "exists", "dataset already exists"],
    ["cannot rename 'tank/ct/web01': dataset already exists", "exists", "dataset already exists"],
    [
      "cannot receive new filesystem stream: destination 'tank/ct/web02' exists\nmust specify -F to overwrite it",
      "exists",
      "dataset already exists",
    ],
    ["cannot open 'tank/nope': dataset does not exist", "not-found", "dataset does not exist"],
    ["cannot open 'tank/ct/web01@nope': dataset does not exist", "not-found", "dataset does not exist"],
    ["cannot open 'nopool': dataset does not exist", "not-found", "dataset does not exist"],
    ["cannot destroy 'tank/a': dataset is busy", "busy", "dataset is busy"],
    ["cannot receive new filesystem stream: out of space", "zfs", "the pool is out of space"],
    ["cannot receive new filesystem stream: incomplete stream", "zfs", "the stream is incomplete"],
    ["cannot receive: invalid stream (bad magic number)", "zfs", "it is no valid stream"],
    ["cannot receive new filesystem stream: invalid backup stream", "zfs", "it is no valid stream"],
    ["internal error: Invalid exchange", "zfs", "zfs ended with exit status 1"],
    ["cannot receive new filesystem stream: checksum mismatch or incomplete stream", "damaged", "the stream's checksum is wrong"],
    ["cannot create 'tank/a': permission denied", "zfs", "permission denied"],
    [
      "The ZFS modules are not loaded.\nTry running '/sbin/modprobe zfs' as root to load them.",
      "zfs",
      "the zfs kernel module is not loaded",
    ],
    [
      "/dev/zfs and /proc/self/mounts are required.\nTry running 'udevadm trigger' and 'mount -t proc proc /proc' as root.",
      "zfs",
      "the zfs kernel module is not loaded",
    ],
    ["cannot receive incremental stream: destination 'tank/nonex' does not exist", "zfs", "zfs ended with exit status 1"],
    ["warning: cannot send 'tank/ct/web01@osctl-base-1': not an earlier snapshot from the same fs", "zfs", "zfs ended with exit status 1"],
    ["bad property list: invalid property 'uidmap'", "zfs", "zfs ended with exit status 1"],
    ["", "zfs", "zfs ended with exit status 1"],
  ])("takes %j for %s", (stderr, code, reason) => {
    const error = failed(stderr);
    expect([error.code, error.message]).toEqual([code, `Cannot receive "tank/ct/web02": ${reason}`]);
  });

  test("keeps what zfs said as the cause, and the facts", () => {
    const error = failed("cannot do it: because");
    expect((error.cause as Error).message).toBe("zfs recv: cannot do it: because");
    expect(error.facts).toEqual({ argv: ARGV, status: 1, signal: null });
    expect(failed("").cause).toBeUndefined();
  });

  test("names the signal that ended zfs", () => {
    const error = zfsFailure({ status: null, signal: "SIGKILL", stderr: "" }, 'send "tank@a"', ["zfs", "send", "tank@a"]);
    expect(error.message).toBe('Cannot send "tank@a": zfs ended with signal SIGKILL');
  });

  test.each([
    ["cannot receive new filesystem stream: out of space", ["zfs list -o space"]],
    ["The ZFS modules are not loaded.", ["modprobe zfs"]],
    ["cannot open 'tank/nope': dataset does not exist", []],
  ])("hints after %j: %j", (stderr, hints) => {
    expect(failed(stderr).hints).toEqual(hints);
  });
});
