/**
 * What our tests use of `bun:test`, for Deno: deno.json maps the module name `bun:test` to this file.
 *
 * A test becomes one `Deno.test` named `suite > inner suite > test`. Deno loads every test file into a world of its own, so the outermost
 * suite here is the file. A suite's `beforeAll` runs before the first of its tests and its `afterAll` after the last; with `deno test
 * --filter` the last one may never come. Matchers are those of the npm package `expect`, which Bun's are modelled on.
 *
 * @see https://bun.com/docs/test/writing and https://docs.deno.com/api/deno/~/Deno.test
 */
import { format } from "node:util";

export { expect } from "expect";

declare const Deno: {
  test(definition: {
    name: string;
    ignore: boolean;
    sanitizeOps: boolean;
    sanitizeResources: boolean;
    sanitizeExit: boolean;
    fn: () => Promise<void>;
  }): void;
};

type Action = () => unknown;
type TestOptions = number | { timeout?: number };

/** As scripts/test has it for Bun: the limit is only there to end what hangs. */
const DEFAULT_TIMEOUT_MS = 60_000;

interface Suite {
  readonly path: readonly string[];
  readonly parent: Suite | undefined;
  readonly skipped: boolean;
  readonly hooks: Readonly<Record<"beforeAll" | "beforeEach" | "afterEach" | "afterAll", Action[]>>;
  /** Tests in it, inner suites included, that have not ended yet. */
  remaining: number;
  /** The run of its `beforeAll` hooks, once begun. */
  begun: Promise<void> | undefined;
}

let current: Suite = newSuite([], undefined, false);

type DefineTest = (name: string, action?: Action, options?: TestOptions) => void;
type DefineSuite = (name: string, body: () => void) => void;

interface TestFunction extends DefineTest {
  each(rows: readonly unknown[]): (name: string, action: (...row: unknown[]) => unknown, options?: TestOptions) => void;
  skipIf(condition: boolean): TestFunction;
  skip: DefineTest;
}

interface DescribeFunction extends DefineSuite {
  each(rows: readonly unknown[]): (name: string, body: (...row: unknown[]) => void) => void;
  skipIf(condition: boolean): DescribeFunction;
  skip: DefineSuite;
}

export const test: TestFunction = makeTest(false);
export const describe: DescribeFunction = makeDescribe(false);

export function beforeAll(hook: Action): void {
  current.hooks.beforeAll.push(hook);
}

export function beforeEach(hook: Action): void {
  current.hooks.beforeEach.push(hook);
}

export function afterEach(hook: Action): void {
  current.hooks.afterEach.push(hook);
}

export function afterAll(hook: Action): void {
  current.hooks.afterAll.push(hook);
}

function makeTest(skipped: boolean): TestFunction {
  const define: DefineTest = (name, action, options) => defineTest({ name, action, options, skipped });
  return Object.assign(define, {
    each: (rows: readonly unknown[]) => (name: string, action: (...row: unknown[]) => unknown, options?: TestOptions) => {
      for (const [index, row] of rows.entries()) define(rowTitle(name, row, index), () => action(...asArguments(row)), options);
    },
    skipIf: (condition: boolean) => makeTest(skipped || condition),
    skip: (name: string, action?: Action, options?: TestOptions) => defineTest({ name, action, options, skipped: true }),
  });
}

function makeDescribe(skipped: boolean): DescribeFunction {
  const define: DefineSuite = (name, body) => defineSuite({ name, body, skipped });
  return Object.assign(define, {
    each: (rows: readonly unknown[]) => (name: string, body: (...row: unknown[]) => void) => {
      for (const [index, row] of rows.entries()) define(rowTitle(name, row, index), () => body(...asArguments(row)));
    },
    skipIf: (condition: boolean) => makeDescribe(skipped || condition),
    skip: (name: string, body: () => void) => defineSuite({ name, body, skipped: true }),
  });
}

function defineSuite({ name, body, skipped }: { name: string; body: () => void; skipped: boolean }): void {
  const outer = current;
  current = newSuite([...outer.path, name], outer, outer.skipped || skipped);
  body();
  current = outer;
}

function newSuite(path: readonly string[], parent: Suite | undefined, skipped: boolean): Suite {
  return { path, parent, skipped, hooks: { beforeAll: [], beforeEach: [], afterEach: [], afterAll: [] }, remaining: 0, begun: undefined };
}

interface TestDefinition {
  name: string;
  action: Action | undefined;
  options: TestOptions | undefined;
  skipped: boolean;
}

function defineTest({ name, action, options, skipped }: TestDefinition): void {
  const suite = current;
  const ignore = skipped || suite.skipped || action === undefined;
  if (!ignore) for (const each of outwards(suite)) each.remaining++;
  Deno.test({
    name: [...suite.path, name].join(" > "),
    ignore,
    // Bun does not ask a test to close what its neighbours may share.
    sanitizeOps: false,
    sanitizeResources: false,
    sanitizeExit: true,
    fn: () => run(suite, action ?? (() => undefined), timeoutOf(options)),
  });
}

async function run(suite: Suite, action: Action, timeoutMs: number): Promise<void> {
  const suites = outwards(suite);
  try {
    for (const each of suites.toReversed()) await (each.begun ??= runHooks(each.hooks.beforeAll));
    for (const each of suites.toReversed()) await runHooks(each.hooks.beforeEach);
    await withTimeout(action, timeoutMs);
  } finally {
    for (const each of suites) await runHooks(each.hooks.afterEach);
    for (const each of suites) if (--each.remaining === 0) await runHooks(each.hooks.afterAll);
  }
}

async function runHooks(hooks: readonly Action[]): Promise<void> {
  for (const hook of hooks) await hook();
}

async function withTimeout(action: Action, timeoutMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`the test took longer than ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([action(), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** A suite and those around it, inner ones first. */
function outwards(suite: Suite): Suite[] {
  return suite.parent === undefined ? [suite] : [suite, ...outwards(suite.parent)];
}

function timeoutOf(options: TestOptions | undefined): number {
  return (typeof options === "number" ? options : options?.timeout) ?? DEFAULT_TIMEOUT_MS;
}

/** A row that is an array becomes several arguments. */
function asArguments(row: unknown): readonly unknown[] {
  return Array.isArray(row) ? row : [row];
}

/** The title of a row: `%s` and its kin take the arguments in turn, `%#` is the row's number, `$field` a field of an object. */
function rowTitle(title: string, row: unknown, index: number): string {
  const values = asArguments(row);
  const numbered = title.replaceAll("%#", String(index)).replaceAll("%p", "%j");
  const used = numbered.match(/%[sdifjoOc]/g)?.length ?? 0;
  const filled = format(numbered, ...values.slice(0, used));
  if (typeof row !== "object" || row === null || Array.isArray(row)) return filled;
  return filled.replaceAll(/\$(\w+)/g, (whole, field: string) => (field in row ? String(row[field as keyof typeof row]) : whole));
}
