/**
 * Writes the `Module.symvers` of a Linux kernel from its ELF executable: `bun scripts/zfs-vm/export-symbols.ts KERNEL > Module.symvers`.
 *
 * Building modules needs the list of the symbols that the kernel exports, and Debian's user-mode-linux package does not have it. The kernel
 * itself does: the sections `__ksymtab` and `__ksymtab_gpl` are arrays of three 64-bit addresses, the symbol, its name and its namespace
 * (`struct kernel_symbol` without relative references, as on UML). Debian's kernel is built without CONFIG_MODVERSIONS, so every CRC is 0.
 *
 * @see include/linux/export-internal.h and scripts/mod/modpost.c of Linux 6.1; ELF-64 object file format, "Sections"
 */
import { readFileSync } from "node:fs";

const SECTION_TYPE_NOBITS = 8;
const KERNEL_SYMBOL_BYTES = 24;

interface Section {
  name: string;
  type: number;
  address: number;
  offset: number;
  size: number;
}

const file = readFileSync(process.argv[2] ?? "/dev/stdin");
const sections = readSections();
for (const [name, kind] of [
  ["__ksymtab", "EXPORT_SYMBOL"],
  ["__ksymtab_gpl", "EXPORT_SYMBOL_GPL"],
] as const) {
  for (const { symbol, namespace } of exportedSymbols(name)) console.log(`0x00000000\t${symbol}\tvmlinux\t${kind}\t${namespace}`);
}

function readSections(): Section[] {
  const tableOffset = Number(file.readBigUInt64LE(40)); // e_shoff
  const entryBytes = file.readUInt16LE(58); // e_shentsize
  const headers = Array.from({ length: file.readUInt16LE(60) /* e_shnum */ }, (_, index) => {
    const at = tableOffset + index * entryBytes;
    return {
      nameOffset: file.readUInt32LE(at),
      type: file.readUInt32LE(at + 4),
      address: Number(file.readBigUInt64LE(at + 16)),
      offset: Number(file.readBigUInt64LE(at + 24)),
      size: Number(file.readBigUInt64LE(at + 32)),
    };
  });
  const names = headers[file.readUInt16LE(62) /* e_shstrndx */];
  if (names === undefined) throw new Error("not an ELF file with section names");
  return headers.map(({ nameOffset, ...section }) => ({ ...section, name: stringAt(names.offset + nameOffset) }));
}

function exportedSymbols(sectionName: string): { symbol: string; namespace: string }[] {
  const table = sections.find((section) => section.name === sectionName);
  if (table === undefined) throw new Error(`no section "${sectionName}": a kernel with relative references?`);
  return Array.from({ length: table.size / KERNEL_SYMBOL_BYTES }, (_, index) => {
    const at = table.offset + index * KERNEL_SYMBOL_BYTES;
    return { symbol: stringInMemory(file.readBigUInt64LE(at + 8)), namespace: stringInMemory(file.readBigUInt64LE(at + 16)) };
  });
}

/** The string at an address of the running kernel; address 0 is none. */
function stringInMemory(pointer: bigint): string {
  const address = Number(pointer);
  if (address === 0) return "";
  const home = sections.find(
    (s) => s.type !== SECTION_TYPE_NOBITS && s.address > 0 && s.address <= address && address < s.address + s.size,
  );
  if (home === undefined) throw new Error(`address 0x${pointer.toString(16)} lies in no section`);
  return stringAt(home.offset + address - home.address);
}

function stringAt(offset: number): string {
  return file.toString("latin1", offset, file.indexOf(0, offset));
}
