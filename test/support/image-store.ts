/** An image store in a temporary directory, and imports into it of archives in memory. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { importImages, type ImportedImage } from "../../src/oci/store/import.ts";
import { nameTargets, type Naming } from "../../src/oci/store/naming.ts";
import { withIncomingImages } from "../../src/oci/store/open-import.ts";
import type { PlatformChoice } from "../../src/oci/store/platform-choice.ts";
import { ImageStore } from "../../src/oci/store/store.ts";
import type { ByteSource } from "../../src/stream/bytes.ts";
import { StreamSource } from "../../src/stream/stream-source.ts";
import { streamOf } from "./tar.ts";
import { VirtualFile } from "./virtual-file.ts";

/** How an archive is imported. */
export interface ImportOptions extends Partial<Naming> {
  platforms?: PlatformChoice;
  /** Whether it comes through a pipe. */
  isPipe?: boolean;
  /** Called when all blobs are held, before any name is given. */
  whileHeld?: () => Promise<void>;
}

/** The store. Disposing removes it. */
export class StoreScene implements Disposable {
  readonly directory: string = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-images-"));
  readonly store: ImageStore = ImageStore.create(path.join(this.directory, "image"));

  [Symbol.dispose](): void {
    fs.rmSync(this.directory, { recursive: true, force: true });
  }

  async import(tar: Uint8Array, options: ImportOptions = {}): Promise<ImportedImage[]> {
    const { platforms = "there", isPipe = false, whileHeld, ...naming } = options;
    const { store } = this;
    using lease = store.lease();
    const input: ByteSource = isPipe ? new StreamSource(streamOf(tar, [1000])) : VirtualFile.of(tar);
    return await withIncomingImages({ input, what: "images.tar" }, { lease, signal: undefined }, async (archive) => {
      const targets = nameTargets(archive.targets, { ...NAMING, ...naming });
      const change = store.change.bind(store);
      const waiting = Object.assign(Object.create(store) as ImageStore, {
        change: async (...args: Parameters<ImageStore["change"]>) => {
          await whileHeld?.();
          return await change(...args);
        },
      });
      return await importImages(targets, { archive, store: whileHeld === undefined ? store : waiting, lease, platforms });
    });
  }

  /** Names and what they point to. */
  names(): Record<string, string> {
    return Object.fromEntries(this.store.images().map(({ name, target }) => [name ?? "-", target.digest]));
  }

  /** Digests of all blobs. */
  blobs(): string[] {
    return [...this.store.blobFiles()].map(({ digest }) => digest);
  }

  blobFile(digest: string): string {
    return path.join(this.store.directory, "blobs", ...digest.split(":"));
  }

  /** Every path in the store but those of blobs. */
  others(): string[] {
    const paths = fs.readdirSync(this.store.directory, { recursive: true, encoding: "utf8" });
    return paths.filter((name) => !name.startsWith("blobs/")).toSorted();
  }
}

const NAMING: Naming = { tags: [], baseName: undefined, digests: false, skipDigestForNamed: false, date: "2026-01-31" };
