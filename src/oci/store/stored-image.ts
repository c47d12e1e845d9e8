/**
 * The images of a store, as index.json holds them: one descriptor for each name, which is in the annotation that containerd uses and, for
 * those who know only that one, in the one of the OCI, where it is written out in full too: `oci:/tank/image:docker.io/library/alpine:3.20`
 * names it for skopeo.
 *
 * Of an index (an image for several platforms) a store may have some of the manifests only. Those that it was not given are in an annotation,
 * as anything else that is missing is damage.
 *
 * @see OCI image-spec v1.1 image-layout.md, annotations.md; containerd `core/images/annotations.go`
 */
import { encodeDescriptor, type Descriptor } from "../descriptor.ts";
import { isDigest, type Digest } from "../digest.ts";
import { parseIndex } from "../manifest.ts";

/** An image that is kept. */
export interface StoredImage {
  /** In full, `docker.io/library/alpine:3.20`; undefined for one that has no name. */
  readonly name: string | undefined;
  /** A manifest or an index. */
  readonly target: Descriptor;
  /** Manifests that the index lists and the store was not given. */
  readonly absent: readonly Digest[];
}

/** The annotations of a name: containerd's and the OCI's. */
export const NAME_ANNOTATION = "io.containerd.image.name";
export const REF_NAME_ANNOTATION = "org.opencontainers.image.ref.name";
const ABSENT_ANNOTATION = "ctar.absent";

/** Reads index.json. @throws ToolError damaged */
export function readImages(bytes: Uint8Array, where: string): StoredImage[] {
  return parseIndex(bytes, where).manifests.map((descriptor) => {
    const { [NAME_ANNOTATION]: full, [REF_NAME_ANNOTATION]: short, [ABSENT_ANNOTATION]: absent } = descriptor.annotations ?? {};
    return {
      name: full ?? short,
      target: withoutNames(descriptor),
      absent: absent === undefined ? [] : absent.split(" ").filter(isDigest),
    };
  });
}

/** Writes index.json, the images sorted by name, those without one last. */
export function encodeImages(images: readonly StoredImage[]): Uint8Array {
  const descriptors = images.toSorted(byName).map(({ name, target, absent }) => {
    const names = name === undefined ? {} : { [NAME_ANNOTATION]: name, [REF_NAME_ANNOTATION]: name };
    const missing = absent.length === 0 ? {} : { [ABSENT_ANNOTATION]: absent.join(" ") };
    return withAnnotations(target, { ...target.annotations, ...names, ...missing });
  });
  return Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: descriptors.map(encodeDescriptor) }));
}

/** A descriptor without the annotations that stand for what a store says of an image; from an archive they are not to be believed. */
export function withoutNames(descriptor: Descriptor): Descriptor {
  const {
    [NAME_ANNOTATION]: _name,
    [REF_NAME_ANNOTATION]: _refName,
    [ABSENT_ANNOTATION]: _absent,
    ...others
  } = descriptor.annotations ?? {};
  return withAnnotations(descriptor, others);
}

/** A descriptor with just these annotations. */
export function withAnnotations(descriptor: Descriptor, annotations: Readonly<Record<string, string>>): Descriptor {
  const { annotations: _others, ...rest } = descriptor;
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

function byName(a: StoredImage, b: StoredImage): number {
  if (a.name === undefined || b.name === undefined) return Number(a.name === undefined) - Number(b.name === undefined);
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
}
