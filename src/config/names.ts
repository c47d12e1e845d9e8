/**
 * Names: of containers, users, groups, attributes. What is wrong with one is said in words, undefined means nothing.
 *
 * @see vpsAdminOS `osctld/lib/osctld/{container,user,group,attributes}.rb`, `commands/{container,user,group}/create.rb`, 24.05
 */
import { hasControlCharacters } from "./place.ts";

const ID_LIMIT = 100;

/** System users are called `<pool>-<user>`, and those names end at 32 characters. */
const SYSTEM_NAME_LIMIT = 31;

/** Each level takes 6 characters more in the path of a cgroup, which ends at 4096. */
const GROUP_NAME_LIMIT = 1000;

/** What is wrong with a container id. */
export function containerIdProblem(text: string): string | undefined {
  return /^[a-z0-9_-]{1,100}$/i.test(text) ? undefined : 'it takes 1 to 100 letters, digits, "_" and "-"';
}

/** A container id, and name of a user, that says the same as some other name; undefined if nothing is left of that. */
export function containerIdFrom(text: string): string | undefined {
  const id = text.toLowerCase().replaceAll(/[^a-z0-9_]+/g, "-").slice(0, ID_LIMIT).replaceAll(/^-+|-+$/g, ""); // prettier-ignore
  return id === "" ? undefined : id;
}

/** What is wrong with a user's name. @param poolName a zpool's name, which takes room in the system user's; undefined for a directory pool */
export function userNameProblem(text: string, poolName: string | undefined): string | undefined {
  const limit = SYSTEM_NAME_LIMIT - (poolName?.length ?? 0);
  if (limit < 1) return `the pool's name "${poolName}" leaves no room for users, whose system names are "<pool>-<user>"`;
  if (/^[a-z0-9_-]+$/.test(text) && text.length <= limit) return undefined;
  const where = poolName === undefined ? "a name" : `on pool "${poolName}" a name`;
  return `${where} takes 1 to ${limit} of a-z, 0-9, "_" and "-"`;
}

/** What is wrong with a group's name. */
export function groupNameProblem(text: string): string | undefined {
  if (text.length > GROUP_NAME_LIMIT) return `it is longer than ${GROUP_NAME_LIMIT} characters`;
  if (text === "/" || /^(?:\/[a-z0-9_-]{1,100})+$/i.test(text)) return undefined;
  return 'a name is "/" and components of 1 to 100 letters, digits, "_" and "-"';
}

/** What is wrong with an attribute's name. */
export function attributeNameProblem(text: string): string | undefined {
  return /^[^:]+:.+$/.test(text) && !hasControlCharacters(text) ? undefined : "a name is <vendor>:<key>";
}
