/** An image store (see layout.ts): its images by name, its blobs, and changes to it. */
import * as fs from "node:fs";
import * as path from "node:path";
import { ToolError } from "../../errors.ts";
import { readSmallFile, listNames, removePath, replaceFile } from "../../sys/files.ts";
import { withDirectoryLock } from "../../sys/lock.ts";
import type { InputOptions } from "../../sys/input.ts";
import { isTemporaryName, syncDirectory } from "../../sys/new-file.ts";
import type { Digest } from "../digest.ts";
import type { Blob, BlobSource } from "../image.ts";
import { JSON_LIMIT_BYTES } from "../json.ts";
import { blobIn } from "./blob-file.ts";
import { blobDirectories, blobFile, createLayout, FILE_MODE, indexFile, leasesDirectory, requireLayout } from "./layout.ts";
import { deadLeases, Lease, placeBlob } from "./lease.ts";
import { encodeImages, readImages, type StoredImage } from "./stored-image.ts";

/** How long others may hold the lock: a change takes milliseconds, a prune reads the manifests of all images. */
const PATIENCE_MS = 60_000;

/** What is to become of the images, and blobs that have to get their place for it. */
export interface Change<T> {
  readonly images: readonly StoredImage[];
  /** Of a lease that holds all of them. */
  readonly place?: { readonly lease: Lease; readonly digests: Iterable<Digest> };
  readonly result: T;
  /** What is done when it is so, before others can change anything. */
  afterwards?(): void;
}

/** A store. */
export class ImageStore implements BlobSource {
  readonly directory: string;
  readonly #options: InputOptions;

  private constructor(directory: string, options: InputOptions) {
    this.directory = directory;
    this.#options = options;
  }

  /** Opens a store. @throws ToolError not-found */
  static open(directory: string, options: InputOptions = {}): ImageStore {
    requireLayout(directory);
    return new ImageStore(directory, options);
  }

  /** Opens a store, made if there is none, and removes what killed runs left in their leases. @throws ToolError failed */
  static create(directory: string, options: InputOptions = {}): ImageStore {
    createLayout(directory);
    const store = new ImageStore(directory, options);
    for (const lease of store.deadLeases()) removePath(lease);
    return store;
  }

  /** The images, sorted by name, those without one last. */
  images(): readonly StoredImage[] {
    const file = indexFile(this.directory);
    return readImages(readSmallFile(file) ?? encodeImages([]), `"${file}"`);
  }

  /** A blob, checked as it is read. */
  find(digest: Digest): Blob | undefined {
    return blobIn(blobFile(this.directory, digest), digest, this.#options);
  }

  /** Makes a lease, for a run that reads or brings blobs. */
  lease(): Lease {
    return new Lease(this.directory, this.#options);
  }

  /** Whether a lease can be made; where it cannot, nobody can prune either. */
  get isWritable(): boolean {
    try {
      fs.accessSync(leasesDirectory(this.directory), fs.constants.W_OK);
      return true;
    } catch {
      return false;
    }
  }

  /** Changes the images, alone. @throws ToolError busy, failed, what `decide` throws */
  async change<T>(decide: (images: readonly StoredImage[]) => Change<T> | Promise<Change<T>>): Promise<T> {
    return await this.exclusively(async () => {
      const before = this.images();
      const change = await decide(before);
      if (change.place !== undefined) this.#place(change.place.lease, change.place.digests);
      if (change.images !== before) this.#replaceIndex(change.images);
      change.afterwards?.();
      return change.result;
    });
  }

  /** Does something while nobody else changes the store. @throws ToolError busy */
  async exclusively<T>(action: () => Promise<T>): Promise<T> {
    return await withDirectoryLock(this.directory, PATIENCE_MS, action);
  }

  /** The digests of all blobs, and where each is. */
  *blobFiles(): Generator<{ digest: Digest; file: string }> {
    for (const { algorithm, directory } of blobDirectories(this.directory)) {
      for (const name of listNames(directory)) yield { digest: `${algorithm}:${name}` as Digest, file: path.join(directory, name) };
    }
  }

  /** Directories that killed runs left. */
  deadLeases(): string[] {
    return deadLeases(this.directory);
  }

  /** Removes what killed runs left; to be called exclusively. */
  removeLeftovers(): void {
    for (const lease of this.deadLeases()) removePath(lease);
    for (const name of listNames(this.directory).filter(isTemporaryName)) removePath(path.join(this.directory, name));
  }

  /** Annotations come from archives, and must not make the index one that cannot be read again. */
  #replaceIndex(images: readonly StoredImage[]): void {
    const [file, bytes] = [indexFile(this.directory), encodeImages(images)];
    if (bytes.length > JSON_LIMIT_BYTES) {
      throw new ToolError("failed", `Cannot write "${file}": it would have ${bytes.length} bytes, more than ${JSON_LIMIT_BYTES}`);
    }
    readImages(bytes, `"${file}"`);
    replaceFile(file, bytes, FILE_MODE);
  }

  #place(lease: Lease, digests: Iterable<Digest>): void {
    for (const digest of digests) placeBlob(lease, this.directory, digest);
    for (const { directory } of blobDirectories(this.directory)) syncDirectory(directory);
    syncDirectory(path.join(this.directory, "blobs"));
  }
}
