/** The text members of an archive, checked one by one: YAML and JSON, and that what they say can be. */
import { parseContainerConfig } from "../config/container.ts";
import { parseGroupConfig } from "../config/group.ts";
import { parseUserConfig } from "../config/user.ts";
import { digestOf, type Digest } from "../stream/digest.ts";
import { CONTAINER_CONFIG, GROUP_CONFIG, USER_CONFIG, type MemberKind } from "./layout.ts";
import { decodeManifest, type Manifest } from "./manifest.ts";
import type { ArchiveMember } from "./member.ts";
import { decodeMetadata, decodeSnapshots, isBeforeFormats, type Metadata } from "./metadata.ts";
import type { Findings } from "../stream/findings.ts";

/** A text that has passed. */
export interface VerifiedText {
  offset: number;
  digest: Digest;
}

/** Takes the texts of one archive. */
export class VerifiedTexts {
  /** By name, the manifest not included. */
  readonly all: Map<string, VerifiedText> = new Map();
  metadata: Metadata | undefined;
  /** Whether it is an archive of before February 2018. */
  isBeforeFormats = false;
  snapshots: string[] | undefined;
  /** Undefined also if it is of a later schema. */
  manifest: Manifest | undefined;
  manifestOffset: number | undefined;
  readonly #findings: Findings;

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  async take(member: Pick<ArchiveMember, "name" | "kind" | "offset" | "text">): Promise<void> {
    const { name, kind, offset } = member;
    try {
      const bytes = await member.text();
      if (kind.is !== "manifest") this.all.set(name, { offset, digest: digestOf(bytes) });
      this.#decode(kind, bytes, offset);
    } catch (error) {
      this.#findings.addError(error, { offset, member: name });
    }
  }

  #decode(kind: MemberKind, bytes: Uint8Array, offset: number): void {
    switch (kind.is) {
      case "metadata":
        this.metadata = decodeMetadata(bytes);
        this.isBeforeFormats = isBeforeFormats(bytes);
        return;
      case "user":
        parseUserConfig(bytes, USER_CONFIG);
        return;
      case "group":
        parseGroupConfig(bytes, GROUP_CONFIG);
        return;
      case "container":
        parseContainerConfig(bytes, CONTAINER_CONFIG);
        return;
      case "snapshots":
        this.snapshots = decodeSnapshots(bytes);
        return;
      case "manifest":
        this.manifestOffset = offset;
        this.manifest = decodeManifest(bytes);
        return;
      case "hook":
      case "stream":
      case "rootfs-tar":
      case "other":
    }
  }
}
