/**
 * What an export reads from and an import writes to. The archive room owns these interfaces; whoever keeps containers implements them, and
 * a command joins the two.
 */
import type { ByteStream, SeekableSource } from "../stream/bytes.ts";
import type { EntrySource } from "../tree/selected-entries.ts";
import type { StreamPlace } from "./layout.ts";
import type { StreamFacts } from "./manifest.ts";
import type { Metadata } from "./metadata.ts";

/** A hook script. */
export interface HookScript {
  /** `pre-start`, or `pre-start.d/10-name`. */
  readonly name: string;
  /** File mode, type bits included. */
  readonly mode: number;
  readonly content: Uint8Array;
}

/** The configuration that travels with a container. */
export interface ContainerHead {
  readonly metadata: Metadata;
  /** File contents of `config/*.yml`; user and group where there are any. */
  readonly containerConfig: Uint8Array;
  readonly userConfig?: Uint8Array;
  readonly groupConfig?: Uint8Array;
  /** In archive order: kind by kind, the scripts of a `.d` directory one behind the other. */
  readonly hooks: readonly HookScript[];
}

/** One stream of a container, to be read once. */
export interface SourceStream extends StreamPlace {
  /** Whether the archive stores it compressed. */
  readonly gzip: boolean;
  /** The bytes; a source that finds out only at the end that they are not whole throws there. */
  open(): ByteStream;
  /** Where whoever makes the stream can write it into a file without us. */
  readonly direct?: DirectStream;
  /** What the records said, once the bytes have passed. */
  facts(): StreamFacts | undefined;
}

/** Another way to the bytes of a stream: into a file, by who makes them. */
export interface DirectStream {
  /** About how many bytes there will be; infinitely many if that cannot be said. */
  estimate(): Promise<number>;
  /** Begins to write them into an open file, where that stands; `ended` rejects if they are not whole, and disposing ends it early. */
  writeTo(file: number): Promise<AsyncDisposable & { readonly ended: Promise<void> }>;
  /** Passes what was written through the checks that {@link SourceStream.open} makes. */
  checked(bytes: ByteStream): ByteStream;
}

/** A container that is exported. */
export interface ContainerSource {
  readonly head: ContainerHead;
  /** Local ZFS properties per dataset, for the manifest. */
  readonly properties: readonly { dataset: string; properties: Record<string, string> }[];
  /**
   * The streams in archive order. Pulling the next one is what makes the container stop, be snapshotted and start again between base and
   * incremental streams; ending the iteration, early or not, removes the snapshots and starts a container that was stopped.
   */
  streams(): AsyncIterable<SourceStream>;
  /** Names of the transfer snapshots, newest first, known once the streams have passed. */
  snapshots(): readonly string[];
}

/** A place where a container is imported. Nothing of it is visible to others before {@link finish}. */
export interface ContainerTarget {
  /** Checks that the container can be made here, and makes room for it. @throws ToolError with everything as it was */
  begin(head: ContainerHead): Promise<void>;
  /** Where there is no ZFS, known once it has begun: takes the files in ZFS streams, which are not given to {@link receive}. */
  readonly files?: FilesTarget | undefined;
  /** Takes a ZFS stream, or for format tar the root filesystem's tar, and reads all of it to the end. */
  receive(place: StreamPlace, bytes: ByteStream): Promise<void>;
  /** Makes the container appear. @param snapshots transfer snapshots to destroy */
  finish(snapshots: readonly string[]): Promise<void>;
  /** Undoes everything since {@link begin}. */
  undo(): Promise<void>;
}

/** A place for the files in ZFS streams. */
export interface FilesTarget {
  /** Keeps a stream until all have come; nothing is made before its first bytes have. */
  keep(bytes: ByteStream): Promise<SeekableSource>;
  /** Makes the container's files. */
  extract(entries: EntrySource): Promise<void>;
}

/** A place for a container whose files come one by one, and not in an archive of ours. */
export interface RootTarget extends Pick<ContainerTarget, "begin" | "undo"> {
  /** Makes the root filesystem. */
  extract(entries: EntrySource): Promise<void>;
  /** Makes the container appear. @param containerConfig what has come of that in the head */
  finish(snapshots: readonly [], containerConfig: Uint8Array): Promise<void>;
}
