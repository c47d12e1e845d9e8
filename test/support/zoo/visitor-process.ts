/**
 * Sends, archives and visits in a process of its own that keeps memory once it has it: where a page fault costs 0.15 ms, as in User-Mode Linux,
 * that is several times as fast. Questions and answers are lines of JSON: an {@link OpenRequest} is answered by the number of files, a
 * {@link VisitRequest} by a {@link Visit}.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { scriptArgv } from "../program.ts";
import { listTree } from "../tree-listing.ts";
import { Sender, type Sending } from "./streams.ts";
import { inProcess, program, visit, type Visit } from "./visitor.ts";

/** What visits are about from then on. */
export interface OpenRequest {
  dataset: string;
  /** Its last snapshot, mounted; looked at once. */
  tree: string;
  /** An empty directory, for streams. */
  streams: string;
}

/** What to look at. */
export interface VisitRequest {
  sending: Sending;
  /** To extract to, made and left there. */
  directory: string;
  /** What extracts; the rest is done in the visitors' process. */
  by: "program" | "process";
}

const KEEP_MEMORY = { MIMALLOC_PURGE_DELAY: "-1" };

/** The process, from outside. */
export class VisitorProcess {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor() {
    const [file = "", ...args] = scriptArgv("test/support/zoo/visitor-process.ts");
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...KEEP_MEMORY } });
    this.#child = child;
    this.#answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  /** Turns to a dataset; returns how many files there are in it. */
  async open(request: OpenRequest): Promise<number> {
    return (await this.#ask(request)) as number;
  }

  async visit(request: VisitRequest): Promise<Visit> {
    return (await this.#ask(request)) as Visit;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once("close", resolve));
    this.#child.stdin?.end();
    await ended;
  }

  async #ask(question: object): Promise<unknown> {
    this.#child.stdin?.write(`${JSON.stringify(question)}\n`);
    const answer = await this.#answers.next();
    if (answer.done === true) throw new Error(`the visitors' process ended: ${JSON.stringify(question)}`);
    return JSON.parse(answer.value);
  }
}

async function answerAll(): Promise<void> {
  let sender: Sender | undefined;
  let expected: readonly string[] = [];
  for await (const line of createInterface(process.stdin)) {
    const question = JSON.parse(line) as VisitRequest | OpenRequest;
    if ("tree" in question) {
      sender = new Sender(question.dataset, question.streams);
      expected = await listTree(question.tree);
      tell(expected.length);
    } else if (sender !== undefined) {
      const extractBy = question.by === "program" ? program : inProcess;
      tell(await visit(await sender.file(question.sending), { expected, directory: question.directory, extractBy }));
    }
  }
}

function tell(answer: unknown): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

if (import.meta.main) await answerAll();
