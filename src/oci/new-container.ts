/**
 * The configuration of a container that is made of a root filesystem, alone or out of an image: what can be known of it, in the words of
 * container.yml. Everything else is what osctld takes for granted; like a container that `osctl ct new` makes, it has no network interface.
 *
 * Entrypoint and command together are `init_cmd`. osctld joins its words and LXC takes them apart at blanks, without quotes, so a command that
 * would become another one is left out. All of an image's configuration is kept among the attributes (see kept-config.ts).
 *
 * @see vpsAdminOS `osctld/lib/osctld/container.rb` (`format_exec_init_cmd`), 24.05; LXC `src/lxc/lxccontainer.c` (`split_init_cmd`)
 */
import { ToolError } from "../errors.ts";
import { OTHER_DISTRIBUTION, type Distribution } from "../config/os-release.ts";
import { hasControlCharacters } from "../config/place.ts";
import { dumpYaml } from "../yaml/dump.ts";
import { YamlMap } from "../yaml/value.ts";
import type { ImageConfig, RunConfig } from "./config.ts";
import { attributeOf, IMAGE_CONFIG_ATTRIBUTE } from "./kept-config.ts";
import { quoted } from "./quoted.ts";
import { formatPlatform, hostPlatform, type Platform } from "./platform.ts";

/** What a container is made of. */
export interface ContainerOrigin {
  readonly platform: Platform;
  /** What its os-release says; undefined where that is not known, or not yet. */
  readonly release: Distribution | undefined;
  /** Undefined for a root filesystem alone. */
  readonly image: ImageConfig | undefined;
}

/** Longer than any that a person writes; a line of LXC's configuration, and part of container.yml, which may have 1 MiB. */
const COMMAND_LIMIT = 16_384;
const SHOWN_WORDS = 8;

/** Processors as `uname -m` calls them, where Go calls them otherwise; those of 32 bits as both LXC and we know them. */
const MACHINES: Readonly<Record<string, string>> = {
  amd64: "x86_64",
  arm64: "aarch64",
  "386": "i386",
  arm: "armhf",
  "arm/v5": "armel",
  "arm/v6": "armel",
};

/** The configuration as text. */
export function encodeNewContainer({ platform, release = OTHER_DISTRIBUTION, image }: ContainerOrigin): string {
  const command = image && initCommand(image.run);
  const kept = image && attributeOf(image);
  const limit = YamlMap.of({ soft: 1024, hard: 1_048_576 });
  return dumpYaml(
    YamlMap.of({
      distribution: release.distribution,
      version: release.version,
      arch: machineOf(platform),
      net_interfaces: [],
      prlimits: YamlMap.of({ nofile: limit }),
      ...(command === undefined ? {} : { init_cmd: command }),
      attrs: kept === undefined ? new YamlMap() : YamlMap.of({ [IMAGE_CONFIG_ATTRIBUTE]: kept }),
    }),
  );
}

/** What an operator should know of an image that becomes a container. */
export function notesOf(image: ImageConfig): string[] {
  const { run } = image;
  const words = commandOf(run);
  const notes: string[] = [];
  if (words.length > 0 && initCommand(run) === undefined) {
    const reason = isTooLong(words) ? "it is too long" : "LXC would take its words apart at blanks";
    notes.push(`the image's command is not set, as ${reason}: ${words.slice(0, SHOWN_WORDS).map(quoted).join(" ")}`);
  }
  if (attributeOf(image) === undefined)
    notes.push("the image's configuration is too large to be kept, so an export as an image will not have it");
  const unused = unusedSettings(run);
  if (unused.length > 0) notes.push(`osctld has no such settings, they are kept for an export as an image: ${unused.join(", ")}`);
  return notes;
}

/** Refuses what no Linux runs. @throws ToolError failed */
export function checkRunsHere({ platform }: ImageConfig): void {
  if (platform.os === "linux" || platform.os === "") return;
  throw new ToolError("failed", `Cannot make a container of an image for ${formatPlatform(platform)}: only Linux runs in one`, {
    hints: ["Name another with --platform"],
  });
}

/** Entrypoint and command, if LXC can be told of them; undefined if there are none or it cannot. */
export function initCommand(run: RunConfig): string[] | undefined {
  const words = commandOf(run);
  if (words.length === 0 || isTooLong(words)) return undefined;
  return words.every((word) => /^\S+$/.test(word) && !hasControlCharacters(word)) ? words : undefined;
}

function isTooLong(words: readonly string[]): boolean {
  return words.join(" ").length > COMMAND_LIMIT;
}

function commandOf({ entrypoint = [], cmd = [] }: RunConfig): string[] {
  return [...entrypoint, ...cmd];
}

/** What an image does not say, or says it in no name of a processor, is this machine's. */
function machineOf({ architecture, variant }: Platform): string {
  if (!/^\w+$/.test(architecture)) return machineOf(hostPlatform());
  return MACHINES[`${architecture}/${variant}`] ?? MACHINES[architecture] ?? architecture;
}

/** Settings of the image that nothing here stands for, for people. */
function unusedSettings({ env, user, workingDir, exposedPorts, volumes, stopSignal }: RunConfig): string[] {
  const settings: readonly (readonly [what: string, isSet: boolean])[] = [
    ["environment", (env?.length ?? 0) > 0],
    ["user", user !== undefined && user !== "root" && user !== "0"],
    ["working directory", workingDir !== undefined && workingDir !== "/"],
    ["ports", (exposedPorts?.length ?? 0) > 0],
    ["volumes", (volumes?.length ?? 0) > 0],
    ["stop signal", stopSignal !== undefined],
  ];
  return settings.filter(([, isSet]) => isSet).map(([what]) => what);
}
