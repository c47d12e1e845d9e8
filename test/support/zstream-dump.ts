/**
 * Prints records as `zstream dump -vv` of OpenZFS 2.1 does, to hold what we read against what it reads. Blank lines and indentation are left out.
 *
 * @see OpenZFS 2.1 `cmd/zstream/zstream_dump.c`, `lib/libnvpair/libnvpair.c`
 */
import { decodeVersionInfo } from "../../src/zfs/dmu/features.ts";
import { decodeNvlist, type NvList, type NvValue } from "../../src/zfs/dmu/nvlist.ts";
import type { BeginRecord, Checksum, CryptParams, StreamRecord, WriteRecord } from "../../src/zfs/dmu/stream-record.ts";

/** The lines of a record. */
export function dumpRecord(record: StreamRecord): string[] {
  const first = fields(record);
  if (record.kind === "begin") return first;
  return [...first, `checksum = ${sums(record.checksum)}`];
}

/** Lines of a dump, without blank ones and indentation, up to its summary. */
export function dumpLines(text: string): string[] {
  const [body = ""] = text.split("SUMMARY:");
  return body.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
}

function fields(record: StreamRecord): string[] {
  switch (record.kind) {
    case "begin":
      return begin(record);
    case "end":
      return [`END checksum = ${sums(record.endChecksum)}`];
    case "object":
      return [
        `OBJECT object = ${record.object} type = ${record.objectType} bonustype = ${record.bonusType} blksz = ${record.blockSize} ` +
          `bonuslen = ${record.bonusBytes} dn_slots = ${record.dnodeSlots} raw_bonuslen = ${record.rawBonusBytes} flags = ${record.flags} ` +
          `maxblkid = ${record.maxBlockId} indblkshift = ${record.indirectShift} nlevels = ${record.levels} nblkptr = ${record.blockPointers}`,
      ];
    case "freeObjects":
      return [`FREEOBJECTS firstobj = ${record.firstObject} numobjs = ${record.objects}`];
    case "write":
      return [write(record)];
    case "free":
      return [`FREE object = ${record.object} offset = ${record.dataOffset} length = ${BigInt.asIntN(64, record.length)}`];
    case "writeByref":
      return [
        `WRITE_BYREF object = ${record.object} checksum type = ${record.checksumType} props = ${hex(record.key?.properties ?? 0n)} ` +
          `offset = ${record.dataOffset} length = ${record.length} toguid = ${hex(record.toGuid)} refguid = ${hex(record.refGuid)} ` +
          `refobject = ${record.refObject} refoffset = ${record.refOffset}`,
      ];
    case "spill":
      return [
        `SPILL block for object = ${record.object} length = ${record.logicalBytes} flags = ${record.flags} ` +
          `compression type = ${record.compression} compressed_size = ${record.compressedBytes} payload_size = ${record.payloadBytes} ` +
          crypt(record.crypt),
      ];
    case "writeEmbedded":
      return [
        `WRITE_EMBEDDED object = ${record.object} offset = ${record.dataOffset} length = ${record.length} toguid = ${hex(record.toGuid)} ` +
          `comp = ${record.compression} etype = ${record.embeddedType} lsize = ${record.logicalBytes} psize = ${record.storedBytes}`,
      ];
    case "objectRange":
      return [`OBJECT_RANGE firstobj = ${record.firstObject} numslots = ${record.slots} flags = ${record.flags} ${crypt(record.crypt)}`];
    case "redact":
      return [`REDACT object = ${record.object} offset = ${record.dataOffset} length = ${record.length}`];
  }
}

function begin(record: BeginRecord): string[] {
  const lines = [
    "BEGIN record",
    `hdrtype = ${decodeVersionInfo(record.versionInfo).headerType}`,
    `features = ${hex(record.versionInfo >> 2n)}`,
    "magic = 2f5bacbac",
    `creation_time = ${hex(record.creationTime)}`,
    `type = ${record.objsetType}`,
    `flags = 0x${record.flags.toString(16)}`,
    `toguid = ${hex(record.toGuid)}`,
    `fromguid = ${hex(record.fromGuid)}`,
    `toname = ${record.toName}`,
    `payloadlen = ${record.payloadBytes}`,
  ];
  return record.payload === undefined ? lines : [...lines, ...nvlist(decodeNvlist(record.payload, { what: "dump" }))];
}

function write(record: WriteRecord): string {
  return (
    `WRITE object = ${record.object} type = ${record.objectType} checksum type = ${record.checksumType} ` +
    `compression type = ${record.compression} flags = ${record.flags} offset = ${record.dataOffset} ` +
    `logical_size = ${record.logicalBytes} compressed_size = ${record.compressedBytes} payload_size = ${record.payloadBytes} ` +
    `props = ${hex(record.key?.properties ?? 0n)} ${crypt(record.crypt)}`
  );
}

function nvlist(list: NvList): string[] {
  return ["nvlist version: 0", ...[...list].flatMap(([name, value]) => nvpair(name, value))];
}

function nvpair(name: string, value: NvValue): string[] {
  if (value instanceof Map) return [`${name} = (embedded nvlist)`, ...nvlist(value), `(end ${name})`];
  return [`${name} = ${plain(value)}`];
}

function plain(value: NvValue): string {
  if (value instanceof Uint8Array) return [...value].map((byte) => plain(byte)).join(" ");
  if (typeof value === "number" || typeof value === "bigint") return `0x${value.toString(16)}`;
  if (value === true) return "1"; // DATA_TYPE_BOOLEAN
  if (typeof value === "string") return value;
  throw new TypeError(`No line for a value of this kind: ${typeof value}`);
}

function crypt(params: CryptParams | undefined): string {
  const { salt, iv, mac } = params ?? { salt: new Uint8Array(8), iv: new Uint8Array(12), mac: new Uint8Array(16) };
  return `salt = ${Buffer.from(salt).toString("hex")} iv = ${Buffer.from(iv).toString("hex")} mac = ${Buffer.from(mac).toString("hex")}`;
}

function sums(checksum: Checksum | undefined): string {
  return (checksum ?? []).map(hex).join("/");
}

function hex(value: bigint): string {
  return value.toString(16);
}
