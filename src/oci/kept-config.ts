/**
 * The configuration of the image that a container was made of, kept among the container's attributes (`attrs`), so that an export as an image
 * gives it back: the JSON text as it was, under a name of ours. One that is too large for a container's configuration is not kept.
 *
 * @see OCI image-spec v1.1 config.md
 */
import { YamlMap } from "../yaml/value.ts";
import { parseImageConfig, type ImageConfig } from "./config.ts";

/** The attribute's name. */
export const IMAGE_CONFIG_ATTRIBUTE = "ctar:image-config";

/** A container's configuration may have 1 MiB; one of an image has a few KiB. */
const KEPT_LIMIT_BYTES = 256 * 1024;

/** The attribute for a configuration; undefined if that is too large. */
export function attributeOf({ raw }: Pick<ImageConfig, "raw">): string | undefined {
  return raw.length > KEPT_LIMIT_BYTES ? undefined : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
}

/** The configuration that is kept in a container's; undefined if there is none. @throws ToolError damaged */
export function keptConfigOf(container: YamlMap): ImageConfig | undefined {
  const attributes = container.get("attrs");
  const text = attributes instanceof YamlMap ? attributes.get(IMAGE_CONFIG_ATTRIBUTE) : undefined;
  return typeof text === "string" ? parseImageConfig(Buffer.from(text), `attribute "${IMAGE_CONFIG_ATTRIBUTE}"`) : undefined;
}
