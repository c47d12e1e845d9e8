import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";

const INSTALL = fileURLToPath(new URL("../../scripts/install", import.meta.url));
const PARTS = [
  "bin/ctar",
  "share/man/man8/ctar.8",
  "share/bash-completion/completions/ctar",
  "share/zsh/site-functions/_ctar",
  "share/fish/vendor_completions.d/ctar.fish",
];

/** Runs a program where neither Bun nor npm is in PATH. */
function run(argv: readonly string[], env: Record<string, string>): { status: number | null; output: string } {
  const [file = "", ...args] = argv;
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: "utf8", env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...env } });
  return { status, output: stdout + stderr };
}

function filesBelow(directory: string): string[] {
  const entries = fs.readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name))); // prettier-ignore
}

test.skipIf(process.env["CTAR_BIN"] === undefined)(
  "scripts/install puts what was built where man and shells find it, and --uninstall takes it away (skipped: nothing is built)",
  () => {
    const root = fs.mkdtempSync(path.join(os.tmpdir(), "ctar-install-"));
    try {
      const prefix = path.join(root, "opt/ctar");
      const mine = path.join(prefix, "share/man/man8/other.8");
      expect(run([INSTALL, "--prefix", "/opt/ctar"], { DESTDIR: root })).toMatchObject({ status: 0 });
      fs.writeFileSync(mine, "");
      expect(filesBelow(prefix).toSorted()).toEqual([...PARTS, "share/man/man8/other.8"].toSorted());
      const ctar = path.join(prefix, "bin/ctar");
      expect(run([ctar, "--version"], {}).output).toMatch(/^ctar \d/);
      expect(run([ctar, "completion", "bash"], {}).output).toBe(fs.readFileSync(path.join(prefix, PARTS[2] as string), "utf8"));
      expect(run(["man", "-M", path.join(prefix, "share/man"), "-w", "ctar"], {}).output.trim()).toBe(
        path.join(prefix, PARTS[1] as string),
      );
      const data = `${prefix}/share:/usr/share`;
      const loadsInBash = `. /usr/share/bash-completion/bash_completion; _completion_loader ctar; complete -p ctar`;
      expect(run(["bash", "--norc", "-c", loadsInBash], { XDG_DATA_DIRS: data }).output).toContain("-F _ctar ctar");
      const loadsInZsh = `fpath=(${prefix}/share/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D; echo $_comps[ctar]`;
      expect(run(["zsh", "-f", "-c", loadsInZsh], {}).output.trim()).toBe("_ctar");
      const fish = { PATH: `${prefix}/bin:/usr/bin:/bin`, XDG_DATA_DIRS: data, HOME: root };
      expect(run(["fish", "-c", 'complete -C "ctar veri"'], fish).output).toBe("verify\tCheck that an archive is whole\n");

      expect(run([INSTALL, "--uninstall", "--prefix=/opt/ctar"], { DESTDIR: root })).toMatchObject({ status: 0 });
      expect(filesBelow(prefix)).toEqual(["share/man/man8/other.8"]);
      expect(run([INSTALL, "--unknown"], {})).toMatchObject({ status: 2 });
    } finally {
      fs.rmSync(root, { recursive: true });
    }
  },
);
