/** The files of an image: its layers put together. */
import type { EntryFiles } from "../../tree/entry-files.ts";
import type { Image, Layer } from "../image.ts";
import { flatten } from "./flatten.ts";
import type { LayerSource } from "./layer-pass.ts";

/** Reads the headers of an image's layers, and gives what they make up. @throws ToolError damaged */
export async function filesOfImage({ layers }: Pick<Image, "layers">): Promise<EntryFiles> {
  const flat = await flatten(layers.map(layerSource));
  return { kind: "entries", isReopenable: true, open: async () => await Promise.resolve(flat.entries()) };
}

/** A layer as messages call it. */
export function layerSource(layer: Layer): LayerSource {
  return { what: layer.descriptor.digest, open: () => layer.open() };
}
