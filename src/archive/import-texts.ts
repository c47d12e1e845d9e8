/** The texts of an archive as they come: what describes the container, and what tells whether all of it came. */
import { damaged, ToolError } from "../errors.ts";
import { HookList } from "./hook-list.ts";
import { checkTexts } from "./import-manifest.ts";
import { CONTAINER_CONFIG, GROUP_CONFIG, METADATA, USER_CONFIG } from "./layout.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import type { ArchiveMember } from "./member.ts";
import { decodeMetadata, decodeSnapshots, isBeforeFormats } from "./metadata.ts";
import type { ContainerHead } from "./source.ts";

/** Collects texts. */
export class ImportedTexts {
  readonly #texts = new Map<string, Uint8Array>();
  readonly #hooks = new HookList();
  #snapshots: string[] | undefined;
  #manifest: Manifest | undefined;

  /** Transfer snapshots; undefined if nothing tells of them. */
  get snapshots(): readonly string[] | undefined {
    return this.#snapshots;
  }

  get manifest(): Manifest | undefined {
    return this.#manifest;
  }

  /** Whether the archive may lack `snapshots.yml`. */
  get isBeforeFormats(): boolean {
    return isBeforeFormats(this.#required(METADATA));
  }

  /** Takes a member that is no stream. @throws ToolError damaged */
  async take(member: ArchiveMember): Promise<void> {
    const { kind } = member;
    switch (kind.is) {
      case "metadata":
      case "user":
      case "group":
      case "container":
        return void (await this.#text(member));
      case "hook":
        this.#texts.set(member.name, await this.#hooks.take(member, kind.name));
        return;
      case "snapshots":
        this.#snapshots = decodeSnapshots(await this.#text(member));
        return;
      case "manifest":
        this.#manifest = decodeManifest(await member.text());
        return;
      case "stream":
      case "rootfs-tar":
      case "other":
    }
  }

  /** What describes the container. @throws ToolError damaged if that is not complete; failed for an archive without data */
  head(): ContainerHead {
    const metadata = decodeMetadata(this.#required(METADATA));
    if (metadata.type === "skel") {
      throw new ToolError("failed", 'Cannot import the archive: it is of type "skel" and carries configuration only, no data', {
        hints: ['"osctl ct send" transfers such an archive ahead of the data; for a whole container: ctar export <ctid>'],
      });
    }
    const userConfig = this.#texts.get(USER_CONFIG);
    const groupConfig = this.#texts.get(GROUP_CONFIG);
    return {
      metadata,
      containerConfig: this.#required(CONTAINER_CONFIG),
      ...(userConfig === undefined ? {} : { userConfig }),
      ...(groupConfig === undefined ? {} : { groupConfig }),
      hooks: this.#hooks.all,
    };
  }

  /** Compares what has come with the manifest, if that has. @throws ToolError damaged */
  check({ metadata }: ContainerHead): void {
    if (this.#manifest !== undefined) checkTexts(this.#manifest, metadata, this.#texts);
  }

  /** As upstream's reader, which seeks: of several members of a name the first counts. */
  async #text(member: ArchiveMember): Promise<Uint8Array> {
    const text = this.#texts.get(member.name) ?? (await member.text());
    this.#texts.set(member.name, text);
    return text;
  }

  #required(name: string): Uint8Array {
    const text = this.#texts.get(name);
    if (text === undefined) throw damaged(`Cannot import the archive: it has no "${name}"`);
    return text;
  }
}
