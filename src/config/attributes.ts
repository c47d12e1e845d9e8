/** `attrs`: what users note on containers, users and groups, by names `<vendor>:<key>`. */
import { YamlMap } from "../yaml/value.ts";
import { attributeNameProblem } from "./names.ts";
import { asMap, below, wrong, type Place } from "./place.ts";

/** Checks the attributes of a configuration. @throws ToolError damaged for a name that osctld would not survive */
export function checkAttributes(config: YamlMap, place: Place): void {
  const attrs = config.get("attrs");
  if (attrs === undefined) return;
  if (attrs === null) return void config.set("attrs", new YamlMap());
  const at = below(place, "attrs");
  for (const [name, value] of asMap(attrs, at)) {
    if (typeof name !== "string" || attributeNameProblem(name) !== undefined) throw wrong(below(at, "<name>"), name, '"<vendor>:<key>"');
    if (typeof value !== "string") throw wrong(below(at, name), value, "text");
  }
}
