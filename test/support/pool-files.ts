/** A directory pool in a temporary directory, whose configuration files a test writes by hand. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { initDirectory } from "../../src/host/init.ts";
import type { Pool } from "../../src/host/pool.ts";

/** The pool. Disposing removes it. */
export class PoolFiles implements Disposable {
  readonly root: string = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-pool-"));
  readonly pool: Pool = initDirectory(this.root);

  [Symbol.dispose](): void {
    fs.rmSync(this.root, { recursive: true, force: true });
  }

  /** Writes a file, `conf/user/db01.yml`. */
  write(relative: string, content: string): void {
    const file = path.join(this.root, relative);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.rmSync(file, { force: true });
    fs.writeFileSync(file, content);
  }

  read(relative: string): string {
    return fs.readFileSync(path.join(this.root, relative), "utf8");
  }

  /** Writes a user whose two maps are one entry. */
  user(name: string, entry: string): void {
    this.write(`conf/user/${name}.yml`, userConfig(entry));
  }
}

/** user.yml with the same entry in both maps. */
export function userConfig(entry: string, more = ""): string {
  return `---\nuid_map:\n- ${entry}\ngid_map:\n- ${entry}\nstandalone: false\n${more}attrs: {}\n`;
}

/** Bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** The message of the error that an action throws. */
export function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
}
