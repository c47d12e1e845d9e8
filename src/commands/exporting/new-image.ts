/** What `export` and `convert` ask of an image that they make of a container. */
import { ToolError } from "../../errors.ts";
import type { ImageConfig, RunConfig } from "../../oci/config.ts";
import { keptConfigOf } from "../../oci/kept-config.ts";
import { hostPlatform, normalizePlatform, parsePlatform, type Platform } from "../../oci/platform.ts";
import { formatReference, parseReference } from "../../oci/reference.ts";
import { changeConfig } from "../../oci/writing/change.ts";
import type { NewImage } from "../../oci/writing/write-image.ts";
import type { YamlMap } from "../../yaml/value.ts";

/** The options. */
export const IMAGE_ARGS = {
  layers: { type: "boolean", description: "A layer for each snapshot there is, the oldest first, and one for what has changed since" },
  tag: { type: "string", valueHint: "NAME[:TAG]", repeatable: true, description: "A name of the image; it has none if left out" },
  change: { type: "string", valueHint: "INSTRUCTION", repeatable: true, description: "How it runs: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR, as docker import takes them" }, // prettier-ignore
  platform: { type: "string", valueHint: "OS/ARCH", description: "What it is for; the container's architecture if left out" },
} as const;

/** Values of those that say what an image is. */
export interface ImageRequest {
  tag: readonly string[];
  change: readonly string[];
  platform?: string | undefined;
}

/** Everything about the image but its layers. @param config the container's @throws ToolError usage, damaged (a configuration that was kept) */
export function newImageOf(config: YamlMap, { tag, change, platform }: ImageRequest): Omit<NewImage, "layers"> {
  const base = keptConfigOf(config);
  return {
    names: tag.map(imageName),
    run: changeConfig(base?.run ?? ownCommand(config), change),
    base,
    platform: platform === undefined ? platformOf(config, base) : parsePlatform(platform),
  };
}

/** Options that only images have. @throws ToolError usage if there are any */
export function refuseImageOptions({ layers, tag, change, platform }: ImageRequest & { layers: boolean }): void {
  const given = [
    ["--layers", layers],
    ["--tag", tag.length > 0],
    ["--change", change.length > 0],
    ["--platform", platform !== undefined],
  ].find(([, isGiven]) => isGiven === true);
  if (given !== undefined) throw new ToolError("usage", `Cannot use ${given[0]}: it is for --format docker and --format oci`);
}

/** A name in full. @throws ToolError usage */
export function imageName(tag: string): string {
  const reference = parseReference(tag);
  if (reference.digest === undefined) return formatReference(reference);
  throw new ToolError("usage", `Cannot use --tag "${tag}": an image gets its digest when it is made`);
}

/** A time as images have it. @param seconds unix time */
export function rfc3339(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** What the container itself is started with, if its configuration says so. */
function ownCommand(config: YamlMap): RunConfig {
  const command = config.get("init_cmd");
  return Array.isArray(command) && command.length > 0 ? { cmd: command.map(String) } : {};
}

/** What the image was for that the container was made of, unless the container has become another. */
function platformOf(config: YamlMap, base: ImageConfig | undefined): Platform {
  const architecture = config.get("arch");
  const own = typeof architecture === "string" ? normalizePlatform({ os: "linux", architecture }) : hostPlatform();
  return base?.platform.architecture === own.architecture ? base.platform : own;
}
