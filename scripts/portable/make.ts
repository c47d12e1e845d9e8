/**
 * Makes a portable file of a program that Bun compiled: one that runs where no dynamic loader is installed.
 *
 * The program stays as it is, with three segments behind it, and with a header that names another entry point and another program header
 * table:
 *
 *     program        its segments, its old program header table (in the first of them), its sections
 *     launcher       R X   code that chooses a loader and enters it (launcher.c)
 *     plan           R W   what the launcher has to know (plan.h), and the tables below
 *     bundle         R     loader and libraries of glibc, as files
 *
 * The new table lies in the plan. It has the old segments without PT_INTERP and PT_PHDR, so that the kernel takes the file for a static
 * program, and the three. Two more tables are for loaders, which get theirs by AT_PHDR: the old one is for the host's loader; the one for the
 * bundled loader differs in PT_DYNAMIC, which asks for each library once more, and before all others.
 *
 * By the first entry a library is found, as the launcher completes it with the path of a memory file. But that path is then the only name by
 * which the loader knows it, and the program's version requirements (DT_VERNEED) name "libm.so.6". The second entry asks for that name; the loader
 * finds it among the SONAMEs of what is loaded, and remembers it.
 */
import * as elf from "./elf.ts";

/** The largest page of both processors; each new segment begins on one of its own. launcher.ld gives the launcher as much room. */
const PAGE = 0x10000;
/** Sizes in plan.h: `struct plan` without its files, and `struct bundled`. */
const PLAN_BYTES = 64;
const BUNDLED_BYTES = 64;

/** A loader or library, as it is to be in memory. */
interface BundledFile {
  readonly name: string;
  readonly content: Uint8Array;
  readonly start: number;
}

/** Addresses: the launcher's, those of the plan and what follows it, the bundle's. */
interface Layout {
  readonly launcher: number;
  readonly plan: number;
  readonly kernelTable: number;
  readonly bundlingTable: number;
  readonly dynamic: number;
  readonly names: number;
  readonly planEnd: number;
  readonly bundle: number;
  /** Adding this to an address gives its offset in the file. */
  readonly toOffset: number;
}

/**
 * Makes the portable file.
 * @param bytes the compiled program
 * @param launcher the launcher's code
 * @param readFile gives a loader or library by its name
 */
export function makePortable(bytes: Buffer, launcher: Uint8Array, readFile: (name: string) => Uint8Array): Buffer {
  const program = elf.readProgram(bytes);
  const contents = bundledNames(program).map((name) => ({ name, content: readFile(name) }));
  const layout = layOut(program, contents);
  const files = placeFiles(layout.bundle, contents);
  const segments = kernelSegments(program, layout, files);
  const parts: [address: number, content: Uint8Array][] = [
    [layout.launcher, launcher],
    [layout.plan, encodePlan(program, layout, files)],
    [layout.kernelTable, elf.encodeSegments(segments)],
    [layout.bundlingTable, elf.encodeSegments(bundlingSegments(program, layout))],
    [layout.dynamic, elf.encodeDynamic(bundlingDynamic(program))],
    [layout.names, joinNames(files)],
    ...files.map(({ start, content }): [number, Uint8Array] => [start, content]),
  ];
  const portable = Buffer.alloc(endOf(files) + layout.toOffset);
  portable.set(bytes);
  portable.set(elf.changeHeader(bytes, layout.launcher, { offset: layout.kernelTable + layout.toOffset, count: segments.length }));
  for (const [address, content] of parts) portable.set(content, address + layout.toOffset);
  return portable;
}

/** The names of what a program needs bundled, its loader first. */
export function bundledNames(program: elf.Program): string[] {
  const loader = interpreterOf(program).replace(/.*\//, "");
  return [loader, ...elf.neededNames(program).filter((name) => name !== loader)];
}

function interpreterOf(program: elf.Program): string {
  return elf.stringAt(program, elf.segmentOf(program.segments, elf.PT_INTERP).address);
}

function layOut(program: elf.Program, files: readonly { name: string }[]): Layout {
  const launcher = roundUp(Math.max(...program.segments.map((one) => one.address + one.memoryBytes)), PAGE);
  const plan = launcher + PAGE;
  const kernelTable = plan + PLAN_BYTES + files.length * BUNDLED_BYTES;
  const bundlingTable = kernelTable + (keptSegments(program).length + 3) * elf.SEGMENT_BYTES;
  const dynamic = bundlingTable + program.segments.length * elf.SEGMENT_BYTES;
  const names = dynamic + bundlingDynamic(program).length * elf.DYNAMIC_BYTES;
  const planEnd = names + joinNames(files).length;
  const bundle = roundUp(planEnd, PAGE);
  return {
    launcher,
    plan,
    kernelTable,
    bundlingTable,
    dynamic,
    names,
    planEnd,
    bundle,
    toOffset: roundUp(program.bytes.length, PAGE) - launcher,
  };
}

/** The bundle's files, one behind the other. */
function placeFiles(bundle: number, contents: readonly Omit<BundledFile, "start">[]): BundledFile[] {
  let start = bundle;
  return contents.map(({ name, content }) => {
    const file = { name, content, start };
    start = roundUp(start + content.length, 16);
    return file;
  });
}

function endOf(files: readonly BundledFile[]): number {
  return Math.max(...files.map(({ start, content }) => start + content.length));
}

/** The names, each with its final NUL. */
function joinNames(files: readonly { name: string }[]): Buffer {
  return Buffer.from(files.map(({ name }) => `${name}\0`).join(""));
}

/** The table that makes the kernel see a static program. */
function kernelSegments(program: elf.Program, layout: Layout, files: readonly BundledFile[]): elf.Segment[] {
  const load = (flags: number, address: number, end: number): elf.Segment => ({
    type: elf.PT_LOAD,
    flags,
    offset: address + layout.toOffset,
    address,
    fileBytes: end - address,
    memoryBytes: end - address,
    align: PAGE,
  });
  return [
    ...keptSegments(program),
    load(elf.PF_R | elf.PF_X, layout.launcher, layout.plan),
    load(elf.PF_R | elf.PF_W, layout.plan, layout.planEnd),
    load(elf.PF_R, layout.bundle, endOf(files)),
  ];
}

function keptSegments({ segments }: elf.Program): elf.Segment[] {
  return segments.filter(({ type }) => type !== elf.PT_INTERP && type !== elf.PT_PHDR);
}

/** The table for the bundled loader: the program's own, at another place and with another dynamic section. */
function bundlingSegments(program: elf.Program, layout: Layout): elf.Segment[] {
  const places = new Map([
    [elf.PT_PHDR, { address: layout.bundlingTable, bytes: program.segments.length * elf.SEGMENT_BYTES }],
    [elf.PT_DYNAMIC, { address: layout.dynamic, bytes: bundlingDynamic(program).length * elf.DYNAMIC_BYTES }],
  ]);
  return program.segments.map((one) => {
    const place = places.get(one.type);
    if (place === undefined) return one;
    return { ...one, offset: place.address + layout.toOffset, address: place.address, fileBytes: place.bytes, memoryBytes: place.bytes };
  });
}

/** The program's dynamic section behind an entry for each library, which the launcher completes. */
function bundlingDynamic(program: elf.Program): elf.DynamicEntry[] {
  const added = bundledNames(program).slice(1);
  return [...added.map(() => ({ tag: elf.DT_NEEDED, value: 0n })), ...program.dynamic];
}

/** `struct plan` of plan.h. */
function encodePlan(program: elf.Program, layout: Layout, files: readonly BundledFile[]): Buffer {
  const own = elf.segmentOf(program.segments, elf.PT_PHDR).address;
  const count = program.segments.length;
  const strings = elf.dynamicValue(program, elf.DT_STRTAB);
  const interpreter = elf.segmentOf(program.segments, elf.PT_INTERP).address;
  return elf.encodeWords([
    interpreter,
    program.entry,
    own,
    count,
    layout.bundlingTable,
    count,
    strings,
    files.length,
    ...files.flatMap(({ content, start }, index) => {
      const name = layout.names + joinNames(files.slice(0, index)).length;
      const needed = index === 0 ? 0 : layout.dynamic + (index - 1) * elf.DYNAMIC_BYTES + 8;
      return [name, start, content.length, needed, 0, 0, 0, 0];
    }),
  ]);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
