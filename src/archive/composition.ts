/** An archive that is being written: what stands around the streams, in the order of layout.ts, and the manifest of all of it. */
import type { Digest } from "../stream/digest.ts";
import { CONTAINER_CONFIG, GROUP_CONFIG, MANIFEST, METADATA, SNAPSHOTS, USER_CONFIG } from "./layout.ts";
import { encodeManifest, type Manifest, type StreamRecord } from "./manifest.ts";
import type { Metadata } from "./metadata.ts";
import type { ContainerHead, HookScript } from "./source.ts";
import type { ArchiveWriter } from "./write.ts";

/** What stands in front of the data, as it is written. */
export interface HeadTexts extends Omit<ContainerHead, "metadata"> {
  readonly metadata: Uint8Array | string;
}

/** What stands behind the data. */
export interface TailTexts {
  /** `snapshots.yml`, where there is one. */
  readonly snapshots: Uint8Array | string | undefined;
  /** Local ZFS properties per dataset, for the manifest. */
  readonly properties: Manifest["datasets"];
}

/** Writes one archive: {@link begin}, then {@link add} for every stream that has been written, then {@link end}. */
export class Composition {
  readonly #writer: ArchiveWriter;
  readonly #manifest: Manifest;

  /** @param about name and version of the program, and the container */
  constructor(writer: ArchiveWriter, { tool, container }: Pick<Manifest, "tool" | "container">) {
    this.#writer = writer;
    this.#manifest = { manifest: 1, tool, container, texts: [], streams: [], datasets: [] };
  }

  /** Writes all that stands in front of the data. @param about says which directories there are for that */
  async begin(texts: HeadTexts, about: Pick<Metadata, "type" | "format" | "datasets">): Promise<void> {
    await this.#text(METADATA, texts.metadata);
    await this.#writer.directory("config");
    if (texts.userConfig !== undefined) await this.#text(USER_CONFIG, texts.userConfig);
    if (texts.groupConfig !== undefined) await this.#text(GROUP_CONFIG, texts.groupConfig);
    await this.#text(CONTAINER_CONFIG, texts.containerConfig);
    await this.#hooks(texts.hooks);
    if (about.type === "skel") return;
    await this.#writer.directory("rootfs");
    if (about.format !== "zfs") return;
    await this.#writer.directory("rootfs/");
    for (const dataset of about.datasets) await this.#writer.directory(`rootfs/${dataset}`);
  }

  /** Takes note of a stream. */
  add(stream: StreamRecord): void {
    this.#manifest.streams.push(stream);
  }

  /** Writes what stands behind the data, and the end. @returns the manifest as it was written */
  async end({ snapshots, properties }: TailTexts): Promise<Manifest> {
    if (snapshots !== undefined) await this.#text(SNAPSHOTS, snapshots);
    this.#manifest.datasets.push(...properties);
    await this.#writer.file(MANIFEST, new TextEncoder().encode(encodeManifest(this.#manifest)));
    await this.#writer.end();
    return this.#manifest;
  }

  async #hooks(hooks: readonly HookScript[]): Promise<void> {
    if (hooks.length > 0) await this.#writer.directory("hooks");
    let directory: string | undefined;
    for (const hook of hooks) {
      const slash = hook.name.indexOf("/");
      if (slash > 0 && hook.name.slice(0, slash) !== directory) {
        directory = hook.name.slice(0, slash);
        await this.#writer.directory(`hooks/${directory}`);
      }
      await this.#text(`hooks/${hook.name}`, hook.content, hook.mode);
    }
  }

  async #text(member: string, content: Uint8Array | string, mode?: number): Promise<void> {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const digest: Digest = await this.#writer.file(member, bytes, mode);
    this.#manifest.texts.push({ member, ...digest });
  }
}
