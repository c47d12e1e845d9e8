import { expect, test } from "bun:test";
import * as fs from "node:fs";
import { openPipe, readPipe, writePipe } from "../../src/sys/pipe.ts";

const isDeno = "Deno" in globalThis;
const reason = isDeno ? " (skipped: Deno's node:fs knows no descriptors but its own)" : "";

test.skipIf(isDeno)(`a pipe holds 1 MiB, and gives what was written until it is closed${reason}`, async () => {
  const { read, write } = (await openPipe()) ?? { read: -1, write: -1 };
  const sent = Buffer.alloc(1024 * 1024, "abcdefg");
  expect(await writePipe(write, sent)).toBe(true);
  fs.closeSync(write);
  const chunks: Uint8Array[] = [];
  for await (const chunk of readPipe(read)) chunks.push(chunk);
  expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  expect(() => fs.fstatSync(read)).toThrow();
});

test.skipIf(isDeno)(`writePipe says when nobody reads any more${reason}`, async () => {
  const { read, write } = (await openPipe()) ?? { read: -1, write: -1 };
  fs.closeSync(read);
  expect(await writePipe(write, new Uint8Array(10))).toBe(false);
  fs.closeSync(write);
});
