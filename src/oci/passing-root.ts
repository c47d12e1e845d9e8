/** A root filesystem on its way into a new container: what it is gets known as its files pass. */
import { OS_RELEASE_FILES, parseOsRelease, type Distribution } from "../config/os-release.ts";
import { NotedFiles } from "../tree/noted-files.ts";
import type { EntrySource } from "../tree/selected-entries.ts";
import { encodeNewContainer, initCommand, type ContainerOrigin } from "./new-container.ts";

/** What is started in a container whose configuration says nothing else. */
const INIT = "sbin/init";

/** As many ids as a new user has. */
const USUAL_ID_COUNT = 65_536;

/** Looks at the files of a root filesystem, and at the configuration of the image that it comes out of. */
export class PassingRoot {
  readonly #origin: Omit<ContainerOrigin, "release">;
  #noted: NotedFiles | undefined;

  constructor(origin: Omit<ContainerOrigin, "release">) {
    this.#origin = origin;
  }

  /** Sees the files as they pass. */
  watch(entries: EntrySource): EntrySource {
    this.#noted = new NotedFiles(entries, [...OS_RELEASE_FILES, INIT]);
    return this.#noted;
  }

  /** What its os-release says; undefined if none has been seen. */
  get release(): Distribution | undefined {
    const found = OS_RELEASE_FILES.map((file) => this.#noted?.content(file)).find((content) => content !== undefined);
    return found && parseOsRelease(found);
  }

  /** `container.yml`, as far as it is known. */
  config(): string {
    return encodeNewContainer({ ...this.#origin, release: this.release });
  }

  /** What is worth knowing of the container, once all files have passed. */
  warnings(): string[] {
    const warnings: string[] = [];
    if (this.release === undefined) warnings.push("there is no os-release in it, so its distribution is not known");
    if (!this.#starts)
      warnings.push("there is no /sbin/init in it, nor a command to start in its place: osctl ct set init-cmd <ctid> <command>");
    const highestId = this.#noted?.highestId ?? 0;
    if (highestId >= USUAL_ID_COUNT)
      warnings.push(`files in it belong to ids up to ${highestId}, which the id map of its user may not reach`);
    return warnings;
  }

  get #starts(): boolean {
    const { image } = this.#origin;
    return (image !== undefined && initCommand(image.run) !== undefined) || this.#noted?.has(INIT) === true;
  }
}
