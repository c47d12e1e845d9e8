/** Text from an image as messages show it. */
import { displayName } from "../stream/tar/display-name.ts";

/** The text in quotes, safe to show, the beginning of a very long one left out. */
export function quoted(text: string): string {
  return `"${displayName(Buffer.from(text))}"`;
}
