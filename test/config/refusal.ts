/** What a parser says to a text. */
import { ToolError } from "../../src/errors.ts";
import { bytesOf } from "../support/pool-files.ts";

/** `damaged: <message>`; "accepted" if there is none. Any other error is a bug and goes on. */
export function refusalBy(parse: (bytes: Uint8Array, what: string) => unknown, text: string): string {
  try {
    parse(bytesOf(text), "file.yml");
    return "accepted";
  } catch (error) {
    if (error instanceof ToolError) return `${error.code}: ${error.message}`;
    throw error;
  }
}
