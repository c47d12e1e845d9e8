/**
 * `devices`: what a container or group may use. Files hold those of their own only, what is inherited from the group above is derived;
 * osctld writes `inherited: false` and does not look at it again, so that an entry is the owner's own whatever it says there.
 *
 * @see vpsAdminOS `osctld/lib/osctld/devices/{device,mode,manager}.rb`, 24.05
 */
import { YamlMap, type YamlValue } from "../yaml/value.ts";
import { asBoolean, asLine, asList, asMap, asOneOf, below, checkKeys, wrong, type Place } from "./place.ts";

/** A device; two are the same if type, major and minor are. */
export interface Device {
  type: "char" | "block";
  /** Decimal, or `*` for any. */
  major: string;
  minor: string;
  /** Some of `rwm`, in that order. */
  mode: string;
  /** Path of the device node. */
  name: string | null;
  /** Whether groups and containers below get it too. */
  inherit: boolean;
}

const MODES = ["r", "w", "m"];

/** Brings `devices` into today's form, in place. @throws ToolError damaged for one that would take osctld down */
export function checkDevices(config: YamlMap, place: Place): void {
  if (!config.has("devices")) return;
  const at = below(place, "devices");
  const devices = asList(config.get("devices"), at).map((device, index) => checkDevice(asMap(device, below(at, index)), below(at, index)));
  config.set("devices", devices);
}

/** Devices of a checked configuration. */
export function devicesOf(config: YamlMap): Device[] {
  const devices = config.get("devices");
  const maps = Array.isArray(devices) ? devices.filter((device) => device instanceof YamlMap) : [];
  return maps.map((device) => ({
    type: device.get("type") === "block" ? "block" : "char",
    major: device.get("major") as string,
    minor: device.get("minor") as string,
    mode: device.get("mode") as string,
    name: (device.get("name") ?? null) as string | null,
    inherit: device.get("inherit") === true,
  }));
}

/** Replaces the devices of a configuration. */
export function setDevices(config: YamlMap, devices: readonly Device[]): void {
  config.set(
    "devices",
    devices.map(({ type, major, minor, mode, name, inherit }) => YamlMap.of({ type, major, minor, mode, name, inherit, inherited: false })),
  );
}

/** Whether two are the same device, whatever their modes. */
export function sameDevice(one: Device, other: Device): boolean {
  return one.type === other.type && one.major === other.major && one.minor === other.minor;
}

/** Whether a mode allows all that another one asks for. */
export function providesMode(have: string, want: string): boolean {
  return MODES.every((letter) => have.includes(letter) || !want.includes(letter));
}

/** What either of two modes allows. */
export function joinModes(one: string, other: string): string {
  return MODES.filter((letter) => one.includes(letter) || other.includes(letter)).join("");
}

/** As the cgroup's interface writes it: `c 1:3 rwm`. */
export function describeDevice({ type, major, minor, mode }: Device): string {
  return `${type === "char" ? "c" : "b"} ${major}:${minor} ${mode}`;
}

function checkDevice(device: YamlMap, place: Place): YamlMap {
  asOneOf(device.get("type"), below(place, "type"), ["char", "block"]);
  for (const key of ["major", "minor"]) device.set(key, deviceNumber(device.get(key), below(place, key)));
  device.set("mode", deviceMode(device.get("mode"), below(place, "mode")));
  checkKeys(device, place, { name: asLine });
  device.set("name", device.get("name") ?? null);
  device.set("inherit", asBoolean(device.get("inherit") ?? false, below(place, "inherit")));
  return device.set("inherited", false);
}

/** Old files have integers, and `all` for any. */
function deviceNumber(value: YamlValue | undefined, place: Place): string {
  const text = typeof value === "number" ? String(value) : value;
  if (text === "all") return "*";
  if (typeof text === "string" && /^(?:\d{1,8}|\*)$/.test(text)) return text;
  throw wrong(place, value, 'a number or "*"');
}

function deviceMode(value: YamlValue | undefined, place: Place): string {
  if (typeof value === "string" && /^[rwm]+$/.test(value)) return joinModes(value, "");
  throw wrong(place, value, 'some of "rwm"');
}
