/** A small container for demonstrations, of ordinary files: modes, links, a sparse file, names beyond ASCII. */
import * as fs from "node:fs";
import * as path from "node:path";

/** Makes container "web01", its user and its files, in a directory pool. */
export function makeDemoContainer(pool: string): void {
  const map = "- 0:1065536:65536";
  fs.writeFileSync(path.join(pool, "conf/user/web01.yml"), `---\nuid_map:\n${map}\ngid_map:\n${map}\nstandalone: false\nattrs: {}\n`);
  const config = `---\nuser: web01\ngroup: "/default"\ndistribution: debian\nversion: '12'\narch: x86_64\nhostname: web01.example.org\n`;
  fs.writeFileSync(path.join(pool, "conf/ct/web01.yml"), config);
  makeFiles(path.join(pool, "ct", "web01", "private"));
}

function makeFiles(root: string): void {
  for (const name of ["etc", "usr/bin", "var/lib/app", "srv/žluťoučký kůň"]) fs.mkdirSync(path.join(root, name), { recursive: true });
  fs.writeFileSync(path.join(root, "etc/hostname"), "web01\n");
  fs.writeFileSync(path.join(root, "usr/bin/hello"), "#!/bin/sh\necho hello\n");
  fs.chmodSync(path.join(root, "usr/bin/hello"), 0o4755);
  fs.linkSync(path.join(root, "usr/bin/hello"), path.join(root, "usr/bin/hello-again"));
  fs.symlinkSync("usr/bin", path.join(root, "bin"));
  fs.writeFileSync(
    path.join(root, "var/lib/app/data"),
    Uint8Array.from({ length: 3_000_000 }, (_, index) => index % 251),
  );
  fs.writeFileSync(path.join(root, "var/lib/app/sparse"), "");
  fs.truncateSync(path.join(root, "var/lib/app/sparse"), 50_000_000);
  fs.utimesSync(path.join(root, "etc/hostname"), 86_400, 86_400);
}
