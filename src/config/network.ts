/**
 * `net_interfaces`: bridged interfaces, and routed ones, which get a route on the host for each of their networks.
 *
 * @see vpsAdminOS `osctld/lib/osctld/net_interface/{base,bridge,routed}.rb`, `osup/migrations/20180711154030-add-netif-routes`, 24.05
 */
import { isIPv4, isIPv6 } from "node:net";
import { YamlMap, type YamlValue } from "../yaml/value.ts";
import { asInteger, asLine, asList, asMap, asOneOf, below, wrong, type Place } from "./place.ts";

const VERSIONS = ["v4", "v6"] as const;
type Version = (typeof VERSIONS)[number];

const PREFIX_BITS: Readonly<Record<Version, number>> = { v4: 32, v6: 128 };
/** What Linux takes as the name of an interface. */
const NAME = /^(?!\.{1,2}$)[^\s/:\p{Cc}]{1,15}$/u;

/** Brings `net_interfaces` into today's form, in place. @throws ToolError damaged for one that would take osctld down */
export function checkInterfaces(config: YamlMap, place: Place): void {
  if (!config.has("net_interfaces")) return;
  const at = below(place, "net_interfaces");
  const interfaces = asList(config.get("net_interfaces"), at);
  config.set(
    "net_interfaces",
    interfaces.map((entry, index) => checkInterface(asMap(entry, below(at, index)), below(at, index))),
  );
}

/** Addresses of a checked configuration, without prefixes, each spelled in one way. */
export function addressesOf(config: YamlMap): { ip: string[]; mac: string[] } {
  const interfaces = config.get("net_interfaces");
  const maps = Array.isArray(interfaces) ? interfaces.filter((entry) => entry instanceof YamlMap) : [];
  const ip = maps.flatMap((entry) => VERSIONS.flatMap((version) => listOf(entry.get("ip_addresses"), version)));
  const mac = maps.map((entry) => entry.get("hwaddr")).filter((address) => typeof address === "string");
  return { ip: ip.map((address) => canonical(address)), mac: mac.map((address) => address.toLowerCase()) };
}

function checkInterface(netif: YamlMap, place: Place): YamlMap {
  const type = asOneOf(netif.get("type"), below(place, "type"), ["bridge", "routed"]);
  const name = asLine(netif.get("name"), below(place, "name"));
  if (!NAME.test(name)) throw wrong(below(place, "name"), name, "the name of an interface");
  const hwaddr = netif.get("hwaddr") ?? null;
  if (hwaddr !== null && !/^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i.test(asLine(hwaddr, below(place, "hwaddr")))) {
    throw wrong(below(place, "hwaddr"), hwaddr, "a hardware address");
  }
  for (const key of ["max_tx", "max_rx", "tx_queues", "rx_queues"]) {
    if ((netif.get(key) ?? null) !== null) asInteger(netif.get(key), below(place, key));
  }
  checkByVersion(netif, "ip_addresses", place, (entry, version, at) => checkNetwork(entry, version, at));
  if (type === "bridge") checkBridge(netif, place);
  else checkRoutes(netif, place);
  return netif;
}

function checkBridge(netif: YamlMap, place: Place): void {
  if ((netif.get("link") ?? null) !== null) asLine(netif.get("link"), below(place, "link"));
  const dhcp = netif.get("dhcp") ?? null;
  if (dhcp !== null && typeof dhcp !== "boolean") throw wrong(below(place, "dhcp"), dhcp, "true or false");
  const gateways = netif.get("gateways") ?? null;
  if (gateways === null) return;
  const at = below(place, "gateways");
  const byVersion = renamed(asMap(gateways, at));
  for (const version of VERSIONS) {
    const gateway = byVersion.get(version) ?? null;
    if (gateway === null || gateway === "auto" || gateway === "none") continue;
    if (!isAddress(asLine(gateway, below(at, version)), version)) throw wrong(below(at, version), gateway, '"auto", "none" or an address');
  }
  netif.set("gateways", byVersion);
}

/** Before routes there was `via`; osctld's migration takes the addresses themselves for routes. */
function checkRoutes(netif: YamlMap, place: Place): void {
  netif.delete("via");
  const addresses = netif.get("ip_addresses");
  if ((netif.get("routes") ?? null) === null && addresses instanceof YamlMap) {
    netif.set("routes", YamlMap.of({ v4: [...listOf(addresses, "v4")], v6: [...listOf(addresses, "v6")] }));
  }
  checkByVersion(netif, "routes", place, checkRoute);
}

function checkRoute(entry: YamlValue, version: Version, place: Place): YamlValue {
  if (!(entry instanceof YamlMap)) return checkNetwork(entry, version, place);
  checkNetwork(entry.get("address"), version, below(place, "address"));
  const via = entry.get("via") ?? null;
  if (via !== null && !isAddress(asLine(via, below(place, "via")), version))
    throw wrong(below(place, "via"), via, `an address of IP${version}`);
  return entry;
}

type CheckEntry = (entry: YamlValue, version: Version, place: Place) => YamlValue;

function checkByVersion(netif: YamlMap, key: string, place: Place, check: CheckEntry): void {
  const value = netif.get(key) ?? null;
  if (value === null) return;
  const at = below(place, key);
  const byVersion = renamed(asMap(value, at));
  for (const version of VERSIONS) {
    const entries = asList(byVersion.get(version), below(at, version));
    if (byVersion.has(version)) {
      byVersion.set(
        version,
        entries.map((entry, index) => check(entry, version, below(below(at, version), index))),
      );
    }
  }
  netif.set(key, byVersion);
}

/** Old files have the numbers 4 and 6 as keys. */
function renamed(map: YamlMap): YamlMap {
  for (const version of VERSIONS) {
    map.rename(Number(version[1]), version);
    map.rename(version.slice(1), version);
  }
  return map;
}

function checkNetwork(value: YamlValue | undefined, version: Version, place: Place): string {
  const text = asLine(value, place);
  const [address = "", prefix, ...rest] = text.split("/");
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= PREFIX_BITS[version]);
  if (isAddress(address, version) && isPrefix && rest.length === 0) return text;
  throw wrong(place, value, `an address of IP${version} with its prefix`);
}

function isAddress(text: string, version: Version): boolean {
  return version === "v4" ? isIPv4(text) : isIPv6(text) && !text.includes("%");
}

function listOf(byVersion: YamlValue | undefined, version: Version): string[] {
  const entries = byVersion instanceof YamlMap ? byVersion.get(version) : undefined;
  return Array.isArray(entries) ? entries.filter((entry) => typeof entry === "string") : [];
}

function canonical(network: string): string {
  const [address = ""] = network.split("/");
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}
