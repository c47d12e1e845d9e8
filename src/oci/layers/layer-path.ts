/**
 * Names of entries of a layer, and targets of its hard links, as the steps from the root.
 *
 * Unlike an archive that is extracted on its own, a layer is taken as docker, podman, containerd and umoci take it: an absolute name begins
 * at the root of the image, and `a/../b` is `b`. What leads above the root is refused, as docker and podman do; containerd and umoci stop there.
 */
import { NAME_LIMIT_BYTES } from "../../tree/entry-path.ts";

const SLASH = 0x2f;
/** The longest name that Linux has in a directory (NAME_MAX). */
const STEP_LIMIT_BYTES = 255;

/** The steps, one character per byte; none for the root. @returns otherwise what is wrong with it, without a subject */
export function splitLayerPath(name: Uint8Array): string[] | { refusal: string } {
  if (name.includes(0)) return { refusal: "holds a NUL byte" };
  if (name.length > NAME_LIMIT_BYTES) return { refusal: `has ${name.length} bytes, more than ${NAME_LIMIT_BYTES}` };
  const bytes = Buffer.from(name.buffer, name.byteOffset, name.length);
  const steps: string[] = [];
  for (let start = 0; start <= bytes.length;) {
    const slash = bytes.indexOf(SLASH, start);
    const end = slash === -1 ? bytes.length : slash;
    // a string of its own, as a part of another one would keep that in memory
    const step = bytes.toString("latin1", start, end);
    start = end + 1;
    if (step === "" || step === ".") continue;
    if (step.length > STEP_LIMIT_BYTES) return { refusal: `has a step of ${step.length} bytes, more than ${STEP_LIMIT_BYTES}` };
    if (step !== "..") steps.push(step);
    else if (steps.pop() === undefined) return { refusal: "leads out of the root" };
  }
  return steps;
}
