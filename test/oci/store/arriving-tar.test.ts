import * as fs from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "bun:test";
import { ArrivingTar } from "../../../src/oci/store/arriving-tar.ts";
import { indexTar } from "../../../src/oci/reading/tar-files.ts";
import { collect } from "../../../src/stream/bytes.ts";
import { StreamSource } from "../../../src/stream/stream-source.ts";
import { StoreScene } from "../../support/image-store.ts";
import { sha256 } from "../../support/oci.ts";
import { sketchTar, streamOf } from "../../support/tar.ts";

const BIG = Buffer.alloc(300_001, "big ");
const LIMIT = 2 ** 30;

describe("ArrivingTar", () => {
  test("holds a large member as a blob in the lease, and reads it from there", async () => {
    using scene = new StoreScene();
    using lease = scene.store.lease();
    const tar = sketchTar({ name: "small", data: "little" }, { name: "big", data: BIG }, { name: "behind", data: "end" });
    const files = await indexTar(new ArrivingTar(new StreamSource(streamOf(tar, [777])), lease));
    expect(lease.find(sha256(BIG) as never)?.size).toBe(BIG.length);
    for (const [name, data] of [
      ["behind", "end"],
      ["big", BIG],
      ["small", "little"],
    ] as const) {
      const file = files.find(name);
      expect(Buffer.from(await collect(file?.open() ?? streamOf(BIG), LIMIT, () => new Error("too long")))).toEqual(
        Buffer.from(data as string),
      );
    }
  });

  test("an import writes such a member once", async () => {
    using scene = new StoreScene();
    const { LayoutSketch, OCI } = await import("../../support/oci.ts");
    const layout = new LayoutSketch();
    const tar = sketchTar({ name: "big", data: BIG });
    layout.name(layout.image([{ tar, stored: tar, mediaType: `${OCI}.layer.v1.tar` }]).descriptor, "example.org/app:1");
    let inode: number | undefined;
    const whileHeld = async (): Promise<void> => {
      const leases = `${scene.store.directory}/.ctar`;
      const files = fs.readdirSync(leases, { recursive: true, encoding: "utf8" });
      const held = files.find((name) => name.endsWith(sha256(tar).replace(":", "-")));
      inode = fs.statSync(`${leases}/${held}`).ino;
      // nothing else of that size was written
      expect(files.filter((name) => fs.statSync(`${leases}/${name}`).size === tar.length)).toEqual([held] as never);
      await Promise.resolve();
    };
    await scene.import(layout.tar(), { isPipe: true, whileHeld });
    expect(fs.statSync(scene.blobFile(sha256(tar))).ino).toBe(inode as never);
  });

  test("gives the same bytes as a file, whatever is read, skipped and sought", async () => {
    using scene = new StoreScene();
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));
    const steps = fc.array(fc.tuple(fc.constantFrom("read", "skip", "seek"), fc.nat(80_000)), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 70_000 }), async (actions, chunk) => {
        using lease = scene.store.lease();
        const source = new ArrivingTar(new StreamSource(streamOf(bytes, [chunk])), lease);
        let arrived = 0;
        for (const [action, count] of actions) {
          if (action === "seek") {
            source.seek(Math.min(count, arrived));
            continue;
          }
          const at = source.offset;
          if (action === "skip") expect(await source.skip(count)).toBe(Math.min(count, bytes.length - at));
          else if (count > 0) {
            const read = await source.read(count);
            expect(Buffer.from(read ?? [])).toEqual(bytes.subarray(at, at + (read?.length ?? 0)));
            expect(read === undefined).toBe(at === bytes.length);
          }
          arrived = Math.max(arrived, source.offset);
        }
      }),
      { numRuns: 60 },
    );
  });
});
