/**
 * `net_interfaces`: bridged interfaces, and routed ones, which get a route on the host for each of their networks.
 *
 * @see vpsAdminOS `osctld/lib/osctld/net_interface/{base,veth,bridge,routed}.rb`, `osup/migrations/20180711154030-add-netif-routes`, 24.05
 */
import { isIPv4, isIPv6 } from "node:net";
import { YamlMap, type YamlValue } from "../yaml/value.ts";
import { asBoolean, asInteger, asLine, asList, asMap, asOneOf, below, checkKeys, dropNulls, wrong, type Place } from "./place.ts";

const VERSIONS = ["v4", "v6"] as const;
type Version = (typeof VERSIONS)[number];

const PREFIX_BITS: Readonly<Record<Version, number>> = { v4: 32, v6: 128 };
/** What Linux takes as the name of an interface. */
const NAME = /^(?!\.{1,2}$)[^\s/:\p{Cc}]{1,15}$/u;
const HARDWARE_ADDRESS = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;
const NUMBERS = ["max_tx", "max_rx", "tx_queues", "rx_queues"];

/** Brings `net_interfaces` into today's form, in place. @throws ToolError damaged for one that would take osctld down */
export function checkInterfaces(config: YamlMap, place: Place): void {
  if (!config.has("net_interfaces")) return;
  const at = below(place, "net_interfaces");
  const interfaces = asList(config.get("net_interfaces"), at);
  for (const [index, entry] of interfaces.entries()) checkInterface(asMap(entry, below(at, index)), below(at, index));
  config.set("net_interfaces", interfaces);
}

/** Addresses of a checked configuration, without prefixes, each spelled in one way. */
export function addressesOf(config: YamlMap): { ip: string[]; mac: string[] } {
  const interfaces = config.get("net_interfaces");
  const maps = Array.isArray(interfaces) ? interfaces.filter((entry) => entry instanceof YamlMap) : [];
  const ip = maps.flatMap((entry) => VERSIONS.flatMap((version) => networksIn(entry.get("ip_addresses"), version)));
  const mac = maps.map((entry) => entry.get("hwaddr")).filter((address) => typeof address === "string");
  return { ip: ip.map((network) => canonical(network)), mac: mac.map((address) => address.toLowerCase()) };
}

function checkInterface(netif: YamlMap, place: Place): void {
  const type = asOneOf(netif.get("type"), below(place, "type"), ["bridge", "routed"]);
  const name = asLine(netif.get("name"), below(place, "name"));
  if (!NAME.test(name)) throw wrong(below(place, "name"), name, "the name of an interface");
  dropNulls(netif, NUMBERS);
  checkKeys(netif, place, { ...Object.fromEntries(NUMBERS.map((key) => [key, asInteger])), hwaddr: checkHardwareAddress });
  checkByVersion(netif, "ip_addresses", place, checkNetwork);
  if (type === "bridge") checkKeys(netif, place, { link: asLine, dhcp: asBoolean, gateways: checkGateways });
  else checkRoutes(netif, place);
}

function checkHardwareAddress(value: YamlValue, place: Place): void {
  if (!HARDWARE_ADDRESS.test(asLine(value, place))) throw wrong(place, value, "a hardware address");
}

function checkGateways(value: YamlValue, place: Place): void {
  const gateways = withVersions(asMap(value, place));
  for (const version of VERSIONS) {
    const gateway = gateways.get(version) ?? null;
    if (gateway === null || gateway === "auto" || gateway === "none") continue;
    const at = below(place, version);
    if (!isAddress(asLine(gateway, at), version)) throw wrong(at, gateway, `"auto", "none" or an address of IP${version}`);
  }
}

/** Before routes there was `via`; osctld's migration takes the addresses themselves for routes. */
function checkRoutes(netif: YamlMap, place: Place): void {
  netif.delete("via");
  const addresses = netif.get("ip_addresses");
  if ((netif.get("routes") ?? null) === null && addresses instanceof YamlMap) {
    netif.set("routes", YamlMap.of({ v4: networksIn(addresses, "v4"), v6: networksIn(addresses, "v6") }));
  }
  checkByVersion(netif, "routes", place, checkRoute);
}

function checkRoute(entry: YamlValue, version: Version, place: Place): void {
  if (!(entry instanceof YamlMap)) return checkNetwork(entry, version, place);
  checkNetwork(entry.get("address"), version, below(place, "address"));
  const via = entry.get("via") ?? null;
  const at = below(place, "via");
  if (via !== null && !isAddress(asLine(via, at), version)) throw wrong(at, via, `an address of IP${version}`);
}

/** Checks lists by version of IP; osctld wants both of them, and knows no others. */
function checkByVersion(
  netif: YamlMap,
  key: string,
  place: Place,
  check: (entry: YamlValue, version: Version, place: Place) => void,
): void {
  const value = netif.get(key) ?? null;
  if (value === null) return;
  const at = below(place, key);
  const byVersion = withVersions(asMap(value, at));
  for (const version of VERSIONS) {
    const entries = asList(byVersion.get(version), below(at, version));
    for (const [index, entry] of entries.entries()) check(entry, version, below(below(at, version), index));
    byVersion.set(version, entries);
  }
  const unknown = [...byVersion.keys()].find((version) => version !== "v4" && version !== "v6");
  if (unknown !== undefined) throw wrong(below(at, "<version>"), unknown, '"v4" or "v6"');
}

/** Old files have the numbers 4 and 6 as keys. */
function withVersions(map: YamlMap): YamlMap {
  for (const version of VERSIONS) {
    map.rename(Number(version[1]), version);
    map.rename(version.slice(1), version);
  }
  return map;
}

function checkNetwork(value: YamlValue | undefined, version: Version, place: Place): void {
  const [address = "", prefix, ...rest] = asLine(value, place).split("/");
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= PREFIX_BITS[version]);
  if (!isAddress(address, version) || !isPrefix || rest.length > 0) throw wrong(place, value, `an address of IP${version} with its prefix`);
}

function isAddress(text: string, version: Version): boolean {
  return version === "v4" ? isIPv4(text) : isIPv6(text) && !text.includes("%");
}

function networksIn(byVersion: YamlValue | undefined, version: Version): string[] {
  const entries = byVersion instanceof YamlMap ? byVersion.get(version) : undefined;
  return Array.isArray(entries) ? entries.filter((entry) => typeof entry === "string") : [];
}

function canonical(network: string): string {
  const [address = ""] = network.split("/");
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}
