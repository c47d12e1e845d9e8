/** Names from an archive, which are any bytes, as text for messages. */
import { escapeControl } from "../../sys/escape.ts";

const LIMIT_BYTES = 300;

/** The name as text: control characters and bytes that are not UTF-8 as escapes (`\xff`), the beginning of a very long one left out. */
export function displayName(name: Uint8Array): string {
  return name.length > LIMIT_BYTES ? `...${displayText(name.subarray(name.length - LIMIT_BYTES))}` : displayText(name);
}

function displayText(name: Uint8Array): string {
  try {
    return escapeControl(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(name));
  } catch {
    return escapeControl(Array.from(name, displayByte).join(""));
  }
}

function displayByte(byte: number): string {
  return byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16)}`;
}
