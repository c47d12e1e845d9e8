/**
 * A `zfs` that writes down when each call begins and ends, and the reading of such a log, in which other programs write too.
 *
 *     <unix time, seconds with microseconds> <begin|end> <what>
 */
import * as fs from "node:fs";

/** A line of the log. */
export interface LogEvent {
  time: number;
  edge: "begin" | "end";
  what: string;
}

/** Writes an executable script. */
export function writeScript(file: string, body: string): void {
  fs.writeFileSync(file, `#!/bin/bash\n${body}\n`, { mode: 0o755 });
}

/** Shell text that logs an event. */
export function logLine(log: string, edge: LogEvent["edge"], what: string): string {
  return `echo "$EPOCHREALTIME ${edge} ${what}" >> '${log}'`;
}

/** Writes the logging zfs; for CTAR_ZFS. @param onCall shell text run at the beginning of a call, with its arguments in `$*` */
export function writeLoggingZfs(file: string, log: string, onCall = ":"): void {
  writeScript(file, `${logLine(log, "begin", "zfs $*")}\n${onCall}\nzfs "$@"\ncode=$?\n${logLine(log, "end", "zfs $*")}\nexit $code`);
}

/** Reads a log. */
export function readLog(log: string): LogEvent[] {
  const lines = fs.readFileSync(log, "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const [, time, edge, what] = /^(\S+) (begin|end) (.*)$/.exec(line) ?? [];
    if (what === undefined) throw new Error(`not a line of a log: ${line}`);
    return { time: Number(time), edge: edge as LogEvent["edge"], what };
  });
}
