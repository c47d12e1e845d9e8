/** Finds the attributes of a file's object: in its bonus buffer, and if one is wanted that is not there, in its spill block. */
import { Attributes, type AttributeBuffer, type AttributeName } from "./attributes.ts";
import type { TakenStream } from "./block-reader.ts";
import { damagedObject } from "./damage.ts";
import { NO_EXTENT } from "./extent-table.ts";
import { ObjectData } from "./object-data.ts";
import type { ObjectSet } from "./object-set.ts";
import { DMU_OT, OBJECT_FLAG } from "./object-table.ts";
import type { SystemAttributes } from "./system-attributes.ts";
import { locateInOldZnode } from "./znode.ts";

/** Reads attributes of one file system. */
export class FileAttributes {
  readonly #set: ObjectSet;
  readonly #streams: readonly TakenStream[];
  readonly #system: SystemAttributes;
  readonly #scratch = new Attributes();

  constructor(set: ObjectSet, streams: readonly TakenStream[], system: SystemAttributes) {
    this.#set = set;
    this.#streams = streams;
    this.#system = system;
  }

  /**
   * The attributes of a file.
   *
   * @param wanted of which the spill block is read if the bonus buffer does not have them all
   * @throws ToolError damaged if there is no such object, or it is no file
   */
  async of(object: number, wanted: readonly AttributeName[]): Promise<Attributes> {
    const attributes = new Attributes();
    this.#locate(attributes, object);
    if (!isEnough(attributes, wanted)) await this.#addSpill(object, attributes);
    return attributes;
  }

  /**
   * The same without waiting, if the bonus buffer has all that is wanted.
   *
   * @returns attributes that the next call changes
   */
  atOnce(object: number, wanted: readonly AttributeName[]): Attributes | undefined {
    this.#scratch.reset();
    this.#locate(this.#scratch, object);
    return isEnough(this.#scratch, wanted) ? this.#scratch : undefined;
  }

  /** The bonus buffer of an object. */
  bonus(object: number): AttributeBuffer {
    return this.#bonus(object, this.#row(object));
  }

  #locate(attributes: Attributes, object: number): void {
    const row = this.#row(object);
    const buffer = this.#bonus(object, row);
    const isOld = this.#set.objects.bonusType.get(row) === DMU_OT.znode;
    const damage = isOld ? locateInOldZnode(attributes, buffer) : this.#system.locate(attributes, buffer);
    if (damage !== undefined) throw damagedObject(this.#set.place(object), damage);
    attributes.mayBeMore = this.#set.objects.spill.get(row) !== NO_EXTENT;
  }

  #row(object: number): number {
    const row = this.#set.objects.find(object);
    if (row === undefined) throw damagedObject(this.#set.place(object), "it does not exist");
    return row;
  }

  #bonus(object: number, row: number): AttributeBuffer {
    const { objects, store } = this.#set;
    const bytes = objects.bonusBytes.get(row);
    const littleEndian = (objects.flags.get(row) & OBJECT_FLAG.bigEndian) === 0;
    const type = objects.bonusType.get(row);
    if (bytes === 0 || (type !== DMU_OT.sa && type !== DMU_OT.znode))
      throw damagedObject(this.#set.place(object), "it has no attributes of a file");
    const { view, at } = store.find(objects.bonus.get(row));
    return { view, at, bytes, littleEndian };
  }

  async #addSpill(object: number, attributes: Attributes): Promise<void> {
    const spill = await ObjectData.spill(this.#set, this.#streams, object);
    if (spill === undefined) return;
    const view = new DataView(spill.buffer, spill.byteOffset, spill.length);
    const damage = this.#system.locate(attributes, { view, at: 0, bytes: spill.length });
    if (damage !== undefined) throw damagedObject(this.#set.place(object), damage);
    attributes.mayBeMore = false;
  }
}

function isEnough(attributes: Attributes, wanted: readonly AttributeName[]): boolean {
  return !attributes.mayBeMore || wanted.every((name) => attributes.has(name));
}
