/**
 * A real stream as the pattern of larger ones: its records are taken over, the OBJECT and WRITE records of one of its files are the pattern for
 * those of more files.
 */
import * as fs from "node:fs";
import * as zlib from "node:zlib";
import { DRR, RECORD_BYTES, RecordDecoder } from "../../src/zfs/dmu/record.ts";

/** A record and what follows it. */
export interface TemplateRecord {
  readonly record: Uint8Array;
  readonly payload: Uint8Array;
}

/** The parts of a real stream. */
export interface StreamTemplate {
  readonly begin: TemplateRecord;
  /** All records between BEGIN and END. */
  readonly middle: readonly TemplateRecord[];
  readonly end: TemplateRecord;
  /** A plain file: its OBJECT, the FREE behind its end, and a WRITE. */
  readonly file: { readonly object: TemplateRecord; readonly free: TemplateRecord; readonly write: TemplateRecord };
  /** First object number that no record speaks of. */
  readonly nextObject: number;
}

/** Where `drr_type` and the number of the object stand, in OBJECT, FREE and WRITE. */
const TYPE_AT = 0;
const OBJECT_AT = 8;
const OBJECT_TYPE_AT = 16;
const DMU_OT_PLAIN_FILE_CONTENTS = 19;
/** Objects of a block of dnodes; where the next block begins is free for certain. */
const OBJECTS_PER_BLOCK = 32;

/** Reads a stream, compressed with gzip, that was sent without `-c`. */
export function readTemplate(file: string): StreamTemplate {
  const records = [...splitRecords(new Uint8Array(zlib.gunzipSync(fs.readFileSync(file))))];
  const [begin, ...rest] = records;
  const end = rest.pop();
  const at = rest.findIndex(
    ({ record }, index) => isPlainFile(record) && typeOf(rest[index + 1]) === DRR.free && typeOf(rest[index + 2]) === DRR.write,
  );
  const [object, free, write] = rest.slice(at, at + 3);
  if (begin === undefined || end === undefined || object === undefined || free === undefined || write === undefined) {
    throw new Error(`${file}: no file that could be the pattern of others`);
  }
  const last = Math.max(...rest.filter(({ record }) => u32(record, TYPE_AT) === DRR.object).map(({ record }) => u32(record, OBJECT_AT)));
  return {
    begin,
    middle: rest,
    end,
    file: { object, free, write },
    nextObject: (Math.floor(last / OBJECTS_PER_BLOCK) + 1) * OBJECTS_PER_BLOCK,
  };
}

function* splitRecords(bytes: Uint8Array): Generator<TemplateRecord> {
  const decoder = new RecordDecoder("the template");
  for (let at = 0; at < bytes.length;) {
    const record = bytes.slice(at, at + RECORD_BYTES);
    const view = new DataView(record.buffer);
    const type = decoder.type(view, at);
    const end = at + RECORD_BYTES + decoder.payloadBytes(view, type, at);
    yield { record, payload: bytes.slice(at + RECORD_BYTES, end) };
    at = end;
  }
}

function isPlainFile(record: Uint8Array): boolean {
  return u32(record, TYPE_AT) === DRR.object && u32(record, OBJECT_TYPE_AT) === DMU_OT_PLAIN_FILE_CONTENTS;
}

function typeOf(entry: TemplateRecord | undefined): number | undefined {
  return entry === undefined ? undefined : u32(entry.record, TYPE_AT);
}

function u32(record: Uint8Array, at: number): number {
  return new DataView(record.buffer, record.byteOffset).getUint32(at, true);
}
