/**
 * The places that the portable file runs in. What they are made of comes from the host: busybox-static, musl and musl-tools, qemu-user-static, and
 * its own `/usr`.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { copyProgram, type PlaceKind } from "./place.ts";

/** A path in `/nix/store` begins with the hash of what it was made from. */
const STORE = "nix/store/0123456789abcdfghijklmnpqrsvwxyz";
const LOADER = "lib64/ld-linux-x86-64.so.2";
const MOUNT_USR = 'mount -o bind,ro /usr "$root/usr"';
const MUSL_LOADER = "/lib/ld-musl-x86_64.so.1";

/** The users that programs run as: one who may do anything, and one who is in no list of users and may do nothing. */
export const ROOT = 0;
export const NOBODY = 65_534;

/** All places. */
export const PLACES: readonly PlaceKind[] = [
  { name: "busybox alone", architecture: "x64", loader: "bundled", fill: fillBusybox },
  { name: "musl", architecture: "x64", loader: "bundled", fill: fillMusl },
  { name: "musl, its loader under glibc's name", architecture: "x64", loader: "bundled", fill: fillMuslAsGlibc },
  { name: "NixOS", architecture: "x64", loader: "bundled", fill: fillNixos },
  { name: "NixOS with stub-ld", architecture: "x64", loader: "bundled", fill: fillNixosWithStub },
  { name: "Debian", architecture: "x64", loader: "host", fill: linkUsr, mounts: MOUNT_USR },
  {
    name: "busybox alone, read-only, noexec",
    architecture: "x64",
    loader: "bundled",
    fill: fillBusybox,
    mounts: `mount -t tmpfs -o noexec,mode=1777 tmpfs "$root/tmp"; mount -o remount,bind,noexec "$root/data"; mount -o remount,bind,ro "$root"`,
  },
  { name: "busybox alone, no /proc", architecture: "x64", loader: "bundled", fill: fillBusybox, lacksProc: true },
  { name: "Debian, no /proc", architecture: "x64", loader: "host", fill: linkUsr, mounts: MOUNT_USR, lacksProc: true },
  { name: "busybox alone, under qemu-user", architecture: "arm64", loader: "bundled", fill: fillBusybox },
];

function fillBusybox(root: string): void {
  copyProgram("busybox", root, "bin/busybox");
  for (const name of ["sh", "ls"]) fs.symlinkSync("busybox", path.join(root, "bin", name));
}

function fillMusl(root: string): void {
  fillBusybox(root);
  fs.mkdirSync(path.join(root, "lib"));
  fs.copyFileSync(MUSL_LOADER, path.join(root, MUSL_LOADER));
  compileMusl(root, "bin/alive", { text: "alive", exitCode: 0, linked: "dynamically" });
  const said = execFileSync("chroot", [root, "/bin/alive"], { encoding: "utf8" });
  if (said !== "alive\n") throw new Error(`musl does not work in the place: ${said}`);
}

function fillMuslAsGlibc(root: string): void {
  fillMusl(root);
  link(MUSL_LOADER, root, LOADER);
}

function fillNixos(root: string): void {
  const busybox = `${STORE}-busybox-1.36.1/bin`;
  copyProgram("busybox", root, `${busybox}/busybox`);
  for (const name of ["sh", "ls"]) {
    link(`/${busybox}/busybox`, root, `bin/${name}`);
    link(`/${busybox}/busybox`, root, `run/current-system/sw/bin/${name}`);
  }
  fs.writeFileSync(path.join(root, "etc/NIXOS"), "");
}

/** What NixOS puts at the loader's path says that it runs no programs of others. */
function fillNixosWithStub(root: string): void {
  fillNixos(root);
  const stub = `${STORE}-stub-ld-x86_64-unknown-linux-musl/libexec/stub-ld`;
  compileMusl(root, stub, { text: "Could not start dynamically linked executable", exitCode: 127, linked: "statically" });
  link(`/${stub}`, root, LOADER);
}

/** Everything in `/usr`, and the names that were there before `/usr` was. */
function linkUsr(root: string): void {
  fs.mkdirSync(path.join(root, "usr"));
  for (const name of ["bin", "sbin", "lib", "lib64"]) fs.symlinkSync(`usr/${name}`, path.join(root, name));
}

function link(target: string, root: string, at: string): void {
  fs.mkdirSync(path.dirname(path.join(root, at)), { recursive: true });
  fs.symlinkSync(target, path.join(root, at));
}

interface Saying {
  readonly text: string;
  readonly exitCode: number;
  readonly linked: "dynamically" | "statically";
}

/** Makes a program that says something and ends. */
function compileMusl(root: string, at: string, { text, exitCode, linked }: Saying): void {
  const file = path.join(root, at);
  const source = `#include <stdio.h>\nint main(void) { puts(${JSON.stringify(text)}); return ${exitCode}; }\n`;
  fs.mkdirSync(path.dirname(file), { recursive: true });
  const options = linked === "statically" ? ["-static"] : [];
  execFileSync("musl-gcc", [...options, "-x", "c", "-", "-o", file], { input: source });
}
