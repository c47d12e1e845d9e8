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
    if (!this.#isEnough(attributes, object, wanted)) await this.#addSpill(object, attributes);
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
    return this.#isEnough(this.#scratch, object, wanted) ? this.#scratch : undefined;
  }

  /** The bonus buffer of an object. */
  bonus(object: number): AttributeBuffer & { isOld: boolean } {
    const { objects, store } = this.#set;
    const row = objects.find(object);
    if (row === undefined) throw damagedObject(this.#set.place(object), "it does not exist");
    const bytes = objects.bonusBytes.get(row);
    const littleEndian = (objects.flags.get(row) & OBJECT_FLAG.bigEndian) === 0;
    const type = objects.bonusType.get(row);
    if (bytes === 0 || (type !== DMU_OT.sa && type !== DMU_OT.znode))
      throw damagedObject(this.#set.place(object), "it has no attributes of a file");
    return { ...store.find(objects.bonus.get(row)), bytes, littleEndian, isOld: type === DMU_OT.znode };
  }

  #locate(attributes: Attributes, object: number): void {
    const buffer = this.bonus(object);
    const damage = buffer.isOld ? locateInOldZnode(attributes, buffer) : this.#system.locate(attributes, buffer);
    if (damage !== undefined) throw damagedObject(this.#set.place(object), damage);
  }

  #isEnough(attributes: Attributes, object: number, wanted: readonly AttributeName[]): boolean {
    const row = this.#set.objects.find(object);
    const hasSpill = row !== undefined && this.#set.objects.spill.get(row) !== NO_EXTENT;
    return !hasSpill || wanted.every((name) => attributes.has(name));
  }

  async #addSpill(object: number, attributes: Attributes): Promise<void> {
    const spill = await ObjectData.spill(this.#set, this.#streams, object);
    if (spill === undefined) return;
    const view = new DataView(spill.buffer, spill.byteOffset, spill.length);
    const damage = this.#system.locate(attributes, { view, at: 0, bytes: spill.length });
    if (damage !== undefined) throw damagedObject(this.#set.place(object), damage);
  }
}
