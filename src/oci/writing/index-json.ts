/**
 * index.json of an archive: one descriptor for each name, which stands in full in containerd's annotation, and in that of the OCI as what
 * comes behind the repository.
 *
 * @see OCI image-spec v1.1 image-layout.md, annotations.md; containerd v2.0 `core/images/archive/exporter.go`
 */
import { encodeDescriptor, type Descriptor } from "../descriptor.ts";
import { NAME_ANNOTATION, REF_NAME_ANNOTATION, withAnnotations } from "../store/stored-image.ts";

/** What an archive names. */
export interface NamedTarget {
  readonly target: Descriptor;
  /** In full; maybe none. */
  readonly names: readonly string[];
}

/** Writes the text; names are found there by containerd's importer, and by skopeo and podman. */
export function encodeIndex(images: readonly NamedTarget[]): string {
  const manifests = images.flatMap(({ target, names }) => {
    if (names.length === 0) return [target];
    return names.map((name) =>
      withAnnotations(target, { ...target.annotations, [NAME_ANNOTATION]: name, [REF_NAME_ANNOTATION]: objectOf(name) }),
    );
  });
  return JSON.stringify({ schemaVersion: 2, manifests: manifests.map(encodeDescriptor) });
}

/** What stands behind the repository: a tag, or a digest with its "@". */
function objectOf(name: string): string {
  const at = name.indexOf("@");
  return at === -1 ? name.slice(name.lastIndexOf(":") + 1) : name.slice(at);
}
