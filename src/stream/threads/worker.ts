/** What a thread does: compress blocks, or take a digest, of bytes that lie in the shared memory. */
import { parentPort, workerData } from "node:worker_threads";
import { gzipBlock } from "../../sys/gzip-block.ts";
import { Digester } from "../digest.ts";

/** A block to compress, answered with the gzip member, or to digest, answered with true; or the end of what is digested, answered with the digest. */
export type Request =
  | { readonly do: "gzip"; readonly at: number; readonly length: number; readonly level: number }
  | { readonly do: "digest"; readonly at: number; readonly length: number }
  | { readonly do: "finish" };

const memory = workerData as ArrayBuffer; // shared, which no library minds
const digester = new Digester();

parentPort?.on("message", (request: Request) => void answer(request));

async function answer(request: Request): Promise<void> {
  if (request.do === "finish") return parentPort?.postMessage(digester.finish());
  const bytes = new Uint8Array(memory, request.at, request.length);
  if (request.do === "digest") {
    digester.update(bytes);
    return parentPort?.postMessage(true);
  }
  const member = await gzipBlock(bytes, request.level);
  parentPort?.postMessage(member, [member.buffer as ArrayBuffer]);
}
