/** Layouts that are directories, in which something is not what it seems. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import type { ImageAttack } from "../image-attack.ts";
import { layDirectory, LOWER, pathOf } from "../image-craft.ts";

const LAYER = pathOf(LOWER.stored);

function replaced(name: string, says: string, replace: (file: string, aim: string) => void, part = LAYER): ImageAttack {
  return {
    name,
    says,
    place: (directory, aim) => {
      layDirectory(directory);
      replace(path.join(directory, part), aim.path);
    },
  };
}

/** Something of the layout moved away, and a link to it put in its place. */
function linked(part: string): ImageAttack {
  return replaced(`${part.replace(/[0-9a-f]{64}/, "a blob")} as a symbolic link`, "it is a symbolic link", moveBehindLink, part);
}

function moveBehindLink(file: string): void {
  fs.renameSync(file, `${file}.moved`);
  fs.symlinkSync(`${file}.moved`, file);
}

/** The attacks. */
export const IMAGE_DIRECTORIES: readonly ImageAttack[] = [
  linked(LAYER),
  linked("blobs"),
  linked("blobs/sha256"),
  linked("index.json"),
  linked("oci-layout"),
  replaced("a blob that is a link to a secret", "it is a symbolic link", (file, aim) => {
    fs.rmSync(file);
    fs.symlinkSync(path.join(aim, "secret"), file);
  }),
  replaced("a blob that is a FIFO", "it is no regular file", (file) => {
    fs.rmSync(file);
    execFileSync("mkfifo", [file]);
  }),
  replaced("a blob that is a directory", "it is no regular file", (file) => {
    fs.rmSync(file);
    fs.mkdirSync(file);
  }),
  replaced(
    "a directory of blobs that is a file",
    "it is no directory",
    (file) => {
      fs.rmSync(file, { recursive: true });
      fs.writeFileSync(file, "x");
    },
    "blobs/sha256",
  ),
  replaced("an index.json of 1 GiB", "more than 8388608", (file) => fs.truncateSync(file, 1024 ** 3), "index.json"),
  replaced("a blob that is longer", `bytes instead of ${LOWER.stored.length}`, (file) => fs.truncateSync(file, 1024 ** 4)),
  replaced("a blob that is missing", "is missing", (file) => fs.rmSync(file)),
  {
    name: "a directory without a layout",
    says: "it is neither an OCI layout nor a docker-archive",
    place: (directory) => fs.mkdirSync(directory),
  },
];
