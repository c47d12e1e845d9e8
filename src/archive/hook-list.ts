/** The hook scripts of an archive that is read, as many as it may have. */
import { damaged } from "../errors.ts";
import type { ArchiveMember } from "./member.ts";
import type { HookScript } from "./source.ts";

/** Largest sum of all scripts, in bytes. */
const HOOKS_LIMIT_BYTES = 64 * 1024 * 1024;
const HOOKS_LIMIT = 1000;

/** Collects scripts in the order that they come. */
export class HookList {
  readonly all: HookScript[] = [];
  #bytes = 0;

  /** Takes the member of a script. @returns its content @throws ToolError damaged for too many, or too large ones */
  async take(member: Pick<ArchiveMember, "mode" | "text">, name: string): Promise<Uint8Array> {
    if (this.all.length === HOOKS_LIMIT) throw damaged(`Cannot read hooks: there are more than ${HOOKS_LIMIT}`);
    const content = await member.text();
    this.#bytes += content.length;
    if (this.#bytes > HOOKS_LIMIT_BYTES) throw damaged(`Cannot read hooks: together they are larger than ${HOOKS_LIMIT_BYTES} bytes`);
    this.all.push({ name, mode: member.mode, content });
    return content;
  }
}
