/**
 * A connection over a UNIX socket that carries lines.
 */
import { connect, type Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";
import { systemCode } from "./failure.ts";

/** Why {@link LineSocket.readLine} has no line. */
export class SocketProblem extends Error {
  override readonly name: string = "SocketProblem";
}

/** Connects to a socket. @returns undefined where there is no such socket or nobody listens on it. @throws SystemError otherwise, or the reason of an abort */
export async function connectSocket(path: string, options: LineSocketOptions): Promise<LineSocket | undefined> {
  options.signal?.throwIfAborted();
  const socket = connect({ path });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
  } catch (error) {
    socket.destroy();
    const code = systemCode(error);
    if (code === "ENOENT" || code === "ECONNREFUSED") return undefined;
    throw error;
  }
  return new LineSocket(socket, options);
}

/** Options of {@link connectSocket}. */
export interface LineSocketOptions {
  /** Closes the connection when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** How much may be received and not yet read, in characters; a longer line is a failure. */
  readonly bufferLimit: number;
}

/** One reader at a time takes lines from it. */
export class LineSocket {
  readonly #socket: Socket;
  readonly #options: LineSocketOptions;
  readonly #decoder: StringDecoder = new StringDecoder("utf8");
  readonly #lines: string[] = [];
  /** The pieces of a line whose end is still to come. */
  #pieces: string[] = [];
  #buffered = 0;
  #end: Error | undefined;
  #waiting: (() => void) | undefined;

  constructor(socket: Socket, options: LineSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on("data", (chunk: Buffer) => this.#take(this.#decoder.write(chunk)));
    socket.on("error", (error) => this.#stop(new SocketProblem(error.message, { cause: error })));
    socket.on("close", () => this.#stop(new SocketProblem("the connection was closed")));
    options.signal?.addEventListener("abort", this.#abort, { once: true });
    if (options.signal?.aborted === true) this.#abort();
  }

  /** Sends a line; what becomes of it shows in the answer. */
  writeLine(line: string): void {
    this.#socket.write(`${line}\n`);
  }

  /** The next line. @throws SocketProblem when the connection ends or a line is too long, or the reason of an abort */
  async readLine(): Promise<string> {
    while (this.#lines.length === 0) {
      if (this.#end !== undefined) throw this.#end;
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    const line = this.#lines.shift() as string;
    this.#buffered -= line.length + 1;
    return line;
  }

  /** Ends the connection; what was received and not yet read is lost, and a reader is told so. */
  close(): void {
    this.#options.signal?.removeEventListener("abort", this.#abort);
    this.#lines.length = 0;
    this.#stop(new SocketProblem("the connection was closed"));
  }

  readonly #abort = (): void => {
    this.#lines.length = 0;
    this.#stop(this.#options.signal?.reason as Error);
  };

  #take(text: string): void {
    this.#buffered += text.length;
    if (this.#buffered > this.#options.bufferLimit) return this.#stop(new SocketProblem("it sent a line without an end"));
    const [first = "", ...others] = text.split("\n");
    this.#pieces.push(first);
    for (const piece of others) {
      this.#lines.push(this.#pieces.join(""));
      this.#pieces = [piece];
    }
    this.#wake();
  }

  #stop(reason: Error): void {
    this.#end ??= reason;
    this.#socket.destroy();
    this.#wake();
  }

  #wake(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }
}
