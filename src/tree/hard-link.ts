/** Finding the target of a hard link in a tree, without leaving it. */
import { damaged } from "../errors.ts";
import { displayName } from "../stream/tar/display-name.ts";
import type { TarEntry } from "../stream/tar/read.ts";
import { LibcError, type Libc } from "../sys/libc.ts";
import { O_DIRECTORY, O_PATH } from "../sys/linux.ts";

