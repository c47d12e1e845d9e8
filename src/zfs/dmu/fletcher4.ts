/**
 * Fletcher-4, the checksum of a send stream: four running sums modulo 2^64 over 32-bit words, `a += word; b += a; c += b; d += c`.
 *
 * JavaScript has no fast 64-bit integers, so the loop is a WebAssembly function, assembled below: 10 GiB/s on one core with the copy into its
 * memory (docs/performance.md).
 *
 * @see OpenZFS `module/zcommon/zfs_fletcher.c`; WebAssembly Core Specification 2.0, "Binary Format"
 */

/** Where the module's memory holds the sums, and the data. */
const SUMS = 0;
const SUMS_BYTES = 32;
const DATA = 64;
const PAGES = 4;
const WORD_BYTES = 4;
const UNROLLED_WORDS = 4;

/** The functions and their memory; used again, since a runtime reserves gigabytes of addresses for each memory and has few. */
interface Engine {
  readonly buffer: ArrayBuffer;
  readonly sum: (start: number, end: number) => void;
  readonly swapBytes: (start: number, end: number) => void;
}

const idle: Engine[] = [];
let compiled: WebAssembly.Module | undefined;

/** A running checksum of bytes that are put into its window. */
export class Fletcher4 implements Disposable {
  /** 256 KiB, not quite: where bytes are put to be summed. */
  readonly window: Uint8Array<ArrayBuffer>;
  readonly #engine: Engine = idle.pop() ?? startEngine();
  readonly #memory: DataView;
  #littleEndian = true;
  #disposed = false;

  constructor() {
    this.window = new Uint8Array(this.#engine.buffer, DATA);
    this.#memory = new DataView(this.#engine.buffer);
    this.reset(true);
  }

  /** Leaves its memory to the next one; it is not to be used any more. */
  [Symbol.dispose](): void {
    if (!this.#disposed) idle.push(this.#engine);
    this.#disposed = true;
  }

  /** Begins anew. @param littleEndian byte order of the words that follow */
  reset(littleEndian: boolean): void {
    new Uint8Array(this.#memory.buffer, SUMS, SUMS_BYTES).fill(0);
    this.#littleEndian = littleEndian;
  }

  /** Adds the words from `start` to `end` in the window, which may be changed by that. */
  add(start: number, end: number): void {
    if (!this.#littleEndian) this.#engine.swapBytes(DATA + start, DATA + end);
    this.#engine.sum(DATA + start, DATA + end);
  }

  /** Adds bytes, whole words of them, by way of the window. */
  update(bytes: Uint8Array): void {
    const step = this.window.length - (this.window.length % WORD_BYTES);
    for (let done = 0; done < bytes.length; done += step) {
      const part = bytes.subarray(done, done + step);
      this.window.set(part);
      this.add(0, part.length);
    }
  }

  /** The sums a, b, c, d. */
  sums(): bigint[] {
    return [0, 8, 16, 24].map((at) => this.#memory.getBigUint64(SUMS + at, true));
  }

  /** Whether these are the sums that stand at `at` in the window, in the byte order of the data. */
  matches(at: number): boolean {
    const little = this.#littleEndian;
    // two halves each: a stream has a record every few KiB, and bigints are slow
    for (let sum = 0; sum < SUMS_BYTES; sum += 8) {
      const stored = DATA + at + sum;
      if (this.#memory.getUint32(SUMS + sum, true) !== this.#memory.getUint32(stored + (little ? 0 : 4), little)) return false;
      if (this.#memory.getUint32(SUMS + sum + 4, true) !== this.#memory.getUint32(stored + (little ? 4 : 0), little)) return false;
    }
    return true;
  }
}

function startEngine(): Engine {
  compiled ??= new WebAssembly.Module(assemble());
  const { memory, sum, swapBytes } = new WebAssembly.Instance(compiled).exports;
  const { buffer } = memory as WebAssembly.Memory;
  return { buffer, sum: sum as Engine["sum"], swapBytes: swapBytes as Engine["swapBytes"] };
}

const OP = {
  loop: 0x03,
  if: 0x04,
  brIf: 0x0d,
  end: 0x0b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Load: 0x28,
  i64Load: 0x29,
  i64Load32u: 0x35,
  i32Store: 0x36,
  i64Store: 0x37,
  i32Const: 0x41,
  i32LtU: 0x49,
  i32Add: 0x6a,
  i32And: 0x71,
  i32Or: 0x72,
  i32Rotl: 0x77,
  i64Add: 0x7c,
} as const;
const TYPE = { i32: 0x7f, i64: 0x7e, func: 0x60, none: 0x40 } as const;
/** Locals: the two parameters, then the sums. */
const START = 0;
const END = 1;
const SUM_LOCALS = [2, 3, 4, 5] as const;

/** `sum(start, end)` adds the words between to the sums, `swapBytes(start, end)` turns each word's bytes round. */
function assemble(): Uint8Array<ArrayBuffer> {
  const signature = [TYPE.func, 2, TYPE.i32, TYPE.i32, 0];
  const functions = [sumFunction(), swapFunction()];
  const module = code(
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [1, ...signature]),
    section(3, [functions.length, ...functions.map(() => 0)]),
    section(5, [1, 0, PAGES]),
    section(7, code([3], exported("memory", 2, 0), exported("sum", 0, 0), exported("swapBytes", 0, 1))),
    section(10, [functions.length, ...functions.flatMap((body) => [...unsigned(body.length), ...body])]),
  );
  return new Uint8Array(module);
}

function sumFunction(): number[] {
  const load = SUM_LOCALS.flatMap((local, index) => [OP.i32Const, SUMS, OP.i64Load, 3, index * 8, OP.localSet, local]);
  const store = SUM_LOCALS.flatMap((local, index) => [OP.i32Const, SUMS, OP.localGet, local, OP.i64Store, 3, index * 8]);
  const locals = [1, SUM_LOCALS.length, TYPE.i64];
  return code(locals, load, whileBefore(UNROLLED_WORDS, addWord), whileBefore(1, addWord), store, [OP.end]);
}

function addWord(offset: number): number[] {
  const [a, ...others] = SUM_LOCALS;
  const toFirst = [OP.localGet, START, OP.i64Load32u, 2, offset, OP.localGet, a, OP.i64Add, OP.localTee, a];
  const toOthers = others.flatMap((sum, index) => [OP.localGet, sum, OP.i64Add, index < 2 ? OP.localTee : OP.localSet, sum]);
  return code(toFirst, toOthers);
}

/** `rotl(word, 8) & 0x00ff00ff | rotl(word, 24) & 0xff00ff00` */
function swapFunction(): number[] {
  const load = [OP.localGet, START, OP.i32Load, 2, 0];
  const turned = (bits: number, mask: number): number[] =>
    code(load, [OP.i32Const, bits, OP.i32Rotl], [OP.i32Const, ...signed(mask), OP.i32And]);
  const swap = code([OP.localGet, START], turned(8, 0x00ff00ff), turned(24, 0xff00ff00 | 0), [OP.i32Or, OP.i32Store, 2, 0]);
  return code(
    [0],
    whileBefore(1, () => swap),
    [OP.end],
  );
}

/** Repeats a step over `words` words, moving on START, as long as that many lie before END. */
function whileBefore(words: number, step: (offset: number) => number[]): number[] {
  const bytes = words * WORD_BYTES;
  const steps = Array.from({ length: words }, (_, index) => step(index * WORD_BYTES));
  const fits = [OP.localGet, START, OP.i32Const, ...signed(bytes - 1), OP.i32Add, OP.localGet, END, OP.i32LtU];
  const advance = [OP.localGet, START, OP.i32Const, ...signed(bytes), OP.i32Add, OP.localSet, START];
  return [...fits, OP.if, TYPE.none, OP.loop, TYPE.none, ...steps.flat(), ...advance, ...fits, OP.brIf, 0, OP.end, OP.end];
}

/** Parts one behind the other. */
function code(...parts: readonly (readonly number[])[]): number[] {
  return parts.flat();
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function exported(name: string, kind: number, index: number): number[] {
  return [name.length, ...new TextEncoder().encode(name), kind, index];
}

/** LEB128, unsigned and signed. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const isLast = rest === (low & 0x40 ? -1 : 0);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}
