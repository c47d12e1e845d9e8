/**
 * Calls into a shared library, the same way under Bun (also compiled) and Deno.
 *
 * Both runtimes know the types by the same names except for two: a pointer to bytes (`ptr` against `buffer`) and a returned pointer (`ptr`
 * against `pointer`). Pointers are passed as the `Uint8Array` that holds the bytes, 64-bit integers as `number` or `bigint`; what comes back
 * is `number` for 32-bit results and `bigint` for 64-bit ones. The runtimes' own modules are loaded when first used, so that neither sees the
 * other's.
 */

import { ToolError } from "../errors.ts";

/** Types of arguments. */
export type ArgumentType = "i32" | "u32" | "i64" | "u64" | "bytes";

/** One function of the library: its argument types, and whether its result is 32 or 64 bits wide. */
export interface Signature {
  args: readonly ArgumentType[];
  result: "i32" | "i64";
}

/** A call; `null` is the null pointer. */
export type NativeFunction = (...args: readonly (number | bigint | Uint8Array | null)[]) => number | bigint;

/** An opened library. */
export interface Library<Name extends string> {
  functions: Readonly<Record<Name, NativeFunction>>;
  /** The value of errno that the last failed call of this thread left. */
  errno(): number;
}

interface DenoFfi {
  dlopen(name: string, symbols: Record<string, unknown>): { symbols: Record<string, (...args: unknown[]) => unknown> };
  UnsafePointerView: new (pointer: unknown) => { getInt32(): number };
}

/** The C library of glibc, and of musl. */
const LIBRARY_NAMES: readonly string[] = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

/** Opens the C library with these functions. @throws ToolError failed where there is none */
export async function openCLibrary<Name extends string>(signatures: Record<Name, Signature>): Promise<Library<Name>> {
  const deno = (globalThis as { Deno?: DenoFfi }).Deno;
  let cause: unknown;
  for (const name of LIBRARY_NAMES) {
    try {
      return deno === undefined ? await openWithBun(name, signatures) : openWithDeno(deno, name, signatures);
    } catch (error) {
      cause ??= error;
    }
  }
  throw new ToolError("failed", `Cannot open the C library "${LIBRARY_NAMES[0]}"`, { cause });
}

async function openWithBun<Name extends string>(name: string, signatures: Record<Name, Signature>): Promise<Library<Name>> {
  const ffi = await import("bun:ffi");
  const symbols: Record<string, unknown> = { __errno_location: { args: [], returns: "ptr" } };
  for (const [symbol, signature] of Object.entries<Signature>(signatures)) {
    symbols[symbol] = { args: signature.args.map((type) => (type === "bytes" ? "ptr" : type)), returns: signature.result };
  }
  const opened = ffi.dlopen(name, symbols as Parameters<typeof ffi.dlopen>[1]).symbols as unknown as Record<string, () => unknown>;
  const errnoLocation = opened["__errno_location"] as () => import("bun:ffi").Pointer;
  return { functions: opened as Record<Name, NativeFunction>, errno: () => ffi.read.i32(errnoLocation()) };
}

function openWithDeno<Name extends string>(deno: DenoFfi, name: string, signatures: Record<Name, Signature>): Library<Name> {
  const symbols: Record<string, unknown> = { __errno_location: { parameters: [], result: "pointer" } };
  for (const [symbol, signature] of Object.entries<Signature>(signatures)) {
    symbols[symbol] = { parameters: signature.args.map((type) => (type === "bytes" ? "buffer" : type)), result: signature.result };
  }
  const opened = deno.dlopen(name, symbols).symbols;
  const errnoLocation = opened["__errno_location"] as () => unknown;
  return { functions: opened as Record<Name, NativeFunction>, errno: () => new deno.UnsafePointerView(errnoLocation()).getInt32() };
}
