/** Files as lines: bare names, the long form of ls(1), JSON. */
import type { ListedFile } from "../../archive/listed-file.ts";
import { displayName } from "../../stream/tar/display-name.ts";
import { formatPaxTime } from "../../stream/tar/pax.ts";

const LETTERS: Readonly<Record<ListedFile["type"], string>> = {
  file: "-",
  directory: "d",
  symlink: "l",
  character: "c",
  block: "b",
  fifo: "p",
  socket: "s",
  hardlink: "h",
  unknown: "?",
};
const PERMISSIONS = "rwxrwxrwx";
/** Set-user-ID, set-group-ID and sticky bit: where they show, and the letters with and without the right to execute. */
const SPECIAL: readonly [bit: number, at: number, letters: string][] = [
  [0o4000, 2, "sS"],
  [0o2000, 5, "sS"],
  [0o1000, 8, "tT"],
];
/** What has been made of modes so far; there are 4096. */
const MODE_TEXTS: string[] = [];
const PRINTABLE = /^[ -~]*$/;
/** Times that a Date holds, in milliseconds. */
const DATE_LIMIT_MS = 8_640_000_000_000_000n;

/** A path as it is shown: control characters and what is not UTF-8 escaped; "." for the root. */
export function shownPath(path: Uint8Array): string {
  const text = (path instanceof Buffer ? path : Buffer.from(path)).toString("latin1");
  if (PRINTABLE.test(text)) return text === "" ? "." : text;
  return text.split("/").map((name) => displayName(Buffer.from(name, "latin1"))).join("/"); // prettier-ignore
}

/** A file as `ls -l` shows it, but with numeric owners and the time in UTC. */
export function longLine(file: ListedFile): string {
  const { path, type, uid, gid, nlink, size, mtimeNs, device, target } = file;
  const columns = [
    `${LETTERS[type]}${modeText(file.mode)}`,
    (nlink === undefined ? "-" : String(nlink)).padStart(3),
    String(uid).padStart(5),
    String(gid).padStart(5),
    (device === undefined ? String(size) : `${device.major}, ${device.minor}`).padStart(11),
    timeText(mtimeNs),
    shownPath(path),
  ];
  const arrow = type === "hardlink" ? " link to " : " -> ";
  return `${columns.join(" ")}${target === undefined ? "" : `${arrow}${shownPath(target)}`}`;
}

/** A file as one line of JSON. Names that are not UTF-8 are given in base64 besides. */
export function jsonLine({ path, target, mtimeNs, mode, device, ...file }: ListedFile): string {
  return JSON.stringify({
    ...jsonName("path", path),
    type: file.type,
    mode: mode.toString(8).padStart(4, "0"),
    uid: file.uid,
    gid: file.gid,
    nlink: file.nlink,
    size: file.size,
    mtime: formatPaxTime(mtimeNs),
    ...(target === undefined ? {} : jsonName("target", target)),
    dev: device === undefined ? undefined : [device.major, device.minor],
    dataset: file.dataset === "" ? "/" : file.dataset,
  });
}

function jsonName(key: string, name: Uint8Array): Record<string, string> {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(name);
    return { [key]: text === "" ? "." : text };
  } catch {
    return { [key]: shownPath(name), [`${key}Base64`]: Buffer.from(name).toString("base64") };
  }
}

function modeText(mode: number): string {
  const known = MODE_TEXTS[mode];
  if (known !== undefined) return known;
  const letters = Array.from(PERMISSIONS, (letter, index) => (mode & (0o400 >> index) ? letter : "-"));
  for (const [bit, at, [withExecute = "", without = ""]] of SPECIAL)
    if (mode & bit) letters[at] = letters[at] === "x" ? withExecute : without;
  return (MODE_TEXTS[mode] = letters.join(""));
}

function timeText(timeNs: bigint): string {
  const ms = timeNs / 1_000_000n;
  if (ms < -DATE_LIMIT_MS || ms > DATE_LIMIT_MS) return `@${timeNs / 1_000_000_000n}`;
  const text = new Date(Number(ms)).toISOString();
  return text.slice(0, -":00.000Z".length).replace("T", " ");
}
