/** All hostile archives of images, with the part that they are wrong in. */
import type { ImageAttack } from "../image-attack.ts";
import { IMAGE_CONTENTS } from "./image-contents.ts";
import { IMAGE_DIRECTORIES } from "./image-directories.ts";
import { IMAGE_DOCUMENTS } from "./image-documents.ts";
import { IMAGE_LAYERS } from "./image-layers.ts";
import { IMAGE_MEMBERS } from "./image-members.ts";

/** The attacks. */
export const IMAGE_ATTACKS: readonly (ImageAttack & { on: string })[] = [
  ...IMAGE_CONTENTS.map((attack) => ({ ...attack, on: "what it holds" })),
  ...IMAGE_DOCUMENTS.map((attack) => ({ ...attack, on: "its documents" })),
  ...IMAGE_MEMBERS.map((attack) => ({ ...attack, on: "its members" })),
  ...IMAGE_LAYERS.map((attack) => ({ ...attack, on: "its layers" })),
  ...IMAGE_DIRECTORIES.map((attack) => ({ ...attack, on: "its directory" })),
];
