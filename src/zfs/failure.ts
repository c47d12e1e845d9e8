/**
 * What zfs(8) says on stderr, turned into typed errors. The only place that reads its messages; each pattern stands beside a message as
 * OpenZFS 2.1.11 and 2.3.2 print it. Anything unknown is kept whole.
 */
import { ToolError, type ErrorCode } from "../errors.ts";
import { describeExit, type Exit } from "../sys/process.ts";

interface Rule {
  pattern: RegExp;
  code: ErrorCode;
  reason: string;
  hint?: string;
}

const RULES: readonly Rule[] = [
  // cannot open 'tank/nope': dataset does not exist
  { pattern: /dataset does not exist/, code: "not-found", reason: "dataset does not exist" },
  // cannot create 'tank/ct/web02': dataset already exists
  { pattern: /dataset already exists/, code: "exists", reason: "dataset already exists" },
  // cannot receive new filesystem stream: destination 'tank/ct/web02' exists
  { pattern: /destination '.*' exists/, code: "exists", reason: "dataset already exists" },
  // cannot destroy 'tank/a': dataset is busy
  { pattern: /dataset is busy/, code: "busy", reason: "dataset is busy" },
  // cannot receive new filesystem stream: out of space
  { pattern: /out of space/, code: "zfs", reason: "the pool is out of space", hint: "zfs list -o space" },
  // cannot receive new filesystem stream: checksum mismatch or incomplete stream
  { pattern: /checksum mismatch/, code: "damaged", reason: "the stream's checksum is wrong" },
  // cannot receive new filesystem stream: incomplete stream
  { pattern: /incomplete stream/, code: "zfs", reason: "the stream is incomplete" },
  // cannot receive: invalid stream (bad magic number) · cannot receive new filesystem stream: invalid backup stream
  { pattern: /invalid (backup )?stream/, code: "zfs", reason: "it is no valid stream" },
  // cannot create 'tank/a': permission denied
  { pattern: /permission denied/i, code: "zfs", reason: "permission denied", hint: "Run as root, or see zfs-allow(8)" },
  // The ZFS modules are not loaded. Try running '/sbin/modprobe zfs' as root to load them.
  { pattern: /ZFS modules are not loaded|\/dev\/zfs/, code: "zfs", reason: "the zfs kernel module is not loaded", hint: "modprobe zfs" },
];

/** Makes the error for a zfs command that failed. @param action the rest of `Cannot ...` */
export function zfsFailure(exit: Exit, action: string, argv: readonly string[]): ToolError {
  const rule = RULES.find(({ pattern }) => pattern.test(exit.stderr));
  const said = exit.stderr === "" ? undefined : new Error(`${argv.slice(0, 2).join(" ")}: ${exit.stderr}`);
  return new ToolError(rule?.code ?? "zfs", `Cannot ${action}: ${rule?.reason ?? `zfs ended with ${describeExit(exit)}`}`, {
    cause: said,
    hints: rule?.hint === undefined ? [] : [rule.hint],
    facts: { argv, status: exit.status, signal: exit.signal },
  });
}
