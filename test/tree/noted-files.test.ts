import { describe, expect, test } from "bun:test";
import { StreamSource } from "../../src/stream/stream-source.ts";
import { TarReader } from "../../src/stream/tar/read.ts";
import { NotedFiles } from "../../src/tree/noted-files.ts";
import { sketchTar, streamOf, type EntrySketch } from "../support/tar.ts";

const PATHS = ["etc/os-release", "sbin/init"];

/** Passes entries, reading the data of each. @returns what was noted, and what came through */
async function passed(...entries: EntrySketch[]): Promise<{ noted: NotedFiles; data: string[] }> {
  const noted = new NotedFiles(new TarReader(new StreamSource(streamOf(sketchTar(...entries), [700]))), PATHS);
  const data: string[] = [];
  for (let entry = await noted.next(); entry !== undefined; entry = await noted.next()) {
    data.push(Buffer.concat(await Array.fromAsync(entry.body())).toString());
  }
  return { noted, data };
}

const file = (name: string, data: string): EntrySketch => ({ name, data });
const link = (name: string, linkname: string): EntrySketch => ({ name, typeflag: "2", linkname });
const hardLink = (name: string, linkname: string): EntrySketch => ({ name, typeflag: "1", linkname });

describe("NotedFiles finds", () => {
  test.each<[what: string, entries: EntrySketch[], content: string | undefined]>([
    ["a file", [file("./etc/os-release", "a")], "a"],
    ["an empty file", [file("etc/os-release", "")], ""],
    ["the last of a name", [file("etc/os-release", "a"), file("etc/os-release", "b")], "b"],
    ["what a link leads to, which came before", [file("usr/lib/os-release", "a"), link("etc/os-release", "../usr/lib/os-release")], "a"],
    ["what a link leads to, which comes behind", [link("etc/os-release", "/usr/lib/os-release"), file("usr/lib/os-release", "a")], "a"],
    ["a file behind a link of a directory", [link("etc", "usr/etc"), file("usr/etc/os-release", "a")], "a"],
    ["a file under another name", [file("usr/lib/os-release", "a"), hardLink("etc/os-release", "./usr/lib/os-release")], "a"],
    ["nothing behind links in a circle", [link("etc/os-release", "os-release")], undefined],
    ["what a link out of the tree leads to in it", [link("etc/os-release", "../../../os-release"), file("os-release", "a")], "a"],
    [
      "nothing behind a link of more bytes than a path has",
      [link("etc/os-release", `${"./".repeat(3000)}os-release`), file("etc/os", "a")],
      undefined,
    ],
    ["nothing behind a link to what is not there", [link("etc/os-release", "nowhere")], undefined],
    ["nothing where another file is", [file("usr/etc/os-release", "a")], undefined],
    ["no directory", [{ name: "etc/os-release", typeflag: "5" }], undefined],
    ["nothing too large to be kept", [file("etc/os-release", "x".repeat(70_000))], undefined],
  ])("%s", async (_what, entries, content) => {
    const { noted, data } = await passed(...entries);
    expect(noted.content("etc/os-release")).toEqual(content === undefined ? undefined : Buffer.from(content));
    expect(data).toEqual(entries.map(({ data: text }) => (typeof text === "string" ? text : "")));
  });

  test.each<[expected: boolean, what: string, entries: EntrySketch[]]>([
    [true, "a file", [file("sbin/init", "")]],
    [true, "a link to what is not looked at", [file("lib/systemd/systemd", "x"), link("sbin/init", "../lib/systemd/systemd")]],
    [true, "a link behind that of a directory", [link("sbin", "usr/sbin"), link("usr/sbin/init", "../lib/systemd/systemd")]],
    [false, "another file in the directory", [file("sbin/initctl", "")]],
    [false, "a directory behind a link", [link("sbin", "usr/sbin"), file("usr/sbin/agetty", "")]],
    [false, "a file of that name elsewhere", [file("etc/init", "")]],
  ])("that there is %s: an init that is %s", async (expected, _what, entries) => {
    expect((await passed(...entries)).noted.has("sbin/init")).toBe(expected);
  });

  test("the highest id", async () => {
    expect((await passed({ name: "a", uid: 5, gid: 70_000 }, { name: "b", uid: 6 })).noted.highestId).toBe(70_000);
  });

  test("what it knows does not grow with the number of files", async () => {
    const many = Array.from({ length: 3000 }, (_, index) => file(`${index}/os-release`, "x"));
    const { noted } = await passed(...many, file("etc/os-release", "late"));
    expect([noted.content("99/os-release"), noted.content("etc/os-release")]).toEqual([Buffer.from("x"), undefined]);
  });
});
