/**
 * Checks a container archive in one pass, in the order that its members come. A damaged member does not hide those behind it: its frame in
 * the tar still says where it ends. Only what damages the tar itself, or cuts it, ends the pass.
 */
import { isSeekable, readAll, type ByteSource } from "../stream/bytes.ts";
import type { StreamPlace } from "./layout.ts";
import { indexMembers } from "./member-index.ts";
import { isJoined, ListAllowance, type ArchiveMember } from "./member.ts";
import { OnePassOrder } from "./order.ts";
import { ArchiveReader } from "./read.ts";
import { checkAgreement, type ArchiveContent } from "./verify-agreement.ts";
import { offsetIn, problemOf, type Findings } from "../stream/findings.ts";
import { checkManifest } from "./verify-manifest.ts";
import { unreadStream, verifyMember, type StreamOutcome } from "./verify-stream.ts";
import { VerifiedTexts } from "./verify-texts.ts";

/** An archive that was read. */
export interface VerifiedArchive extends ArchiveContent {
  /** What is no damage but worth knowing. */
  notes: string[];
}

/** What a snapshot of a stream's description counts for. */
const SNAPSHOT_BYTES = 256;

/**
 * Reads an archive to its end.
 *
 * @param findings takes what is wrong
 * @param onStream called when a stream begins
 * @throws ToolError if it cannot be read for another reason
 */
export async function verifyArchive(
  source: ByteSource,
  findings: Findings,
  onStream?: (place: StreamPlace) => void,
): Promise<VerifiedArchive> {
  const pass = new Pass(source, findings, onStream);
  const archive = await pass.run();
  checkAgreement(archive, findings);
  if (archive.texts.manifest !== undefined) checkManifest(archive.texts.manifest, archive, findings);
  return archive;
}

class Pass {
  readonly #source: ByteSource;
  readonly #findings: Findings;
  readonly #onStream: ((place: StreamPlace) => void) | undefined;
  readonly #reader: ArchiveReader;
  readonly #texts: VerifiedTexts;
  readonly #streams = new Map<string, StreamOutcome>();
  /** Where pieces of streams stand that were thought to have ended. */
  readonly #apart = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #allowance = new ListAllowance();
  readonly #order = new OnePassOrder();
  #orderProblem: string | undefined;
  #unknown = 0;
  #isWhole = false;

  constructor(source: ByteSource, findings: Findings, onStream: ((place: StreamPlace) => void) | undefined) {
    this.#source = source;
    this.#findings = findings;
    this.#onStream = onStream;
    this.#reader = new ArchiveReader(source);
    this.#texts = new VerifiedTexts(findings);
  }

  async run(): Promise<VerifiedArchive> {
    try {
      for await (const member of this.#reader.inArchiveOrder()) await this.#take(member);
      await this.#checkTrailer();
      this.#isWhole = true;
    } catch (error) {
      const isArchive = this.#seen.size > 0;
      const problem = `${isArchive ? "" : "it is neither an archive nor a ZFS stream: "}${problemOf(error)}`;
      this.#findings.add({ offset: offsetIn(error) ?? this.#source.offset, problem });
    }
    const endOffset = this.#source.offset;
    await this.#joinPieces();
    const streams = [...this.#streams.values()].map(({ stream }) => stream);
    for (const { finding } of this.#streams.values()) if (finding !== undefined) this.#findings.add(finding);
    return { texts: this.#texts, streams, isWhole: this.#isWhole, end: this.#reader.end, endOffset, notes: this.#notes() };
  }

  async #take(member: ArchiveMember): Promise<void> {
    const { name, kind, offset } = member;
    if (kind.is === "other") {
      this.#unknown += 1;
      return;
    }
    this.#noteOrder(member);
    const isFirst = !this.#seen.has(name);
    if (isFirst) this.#allowance.addMember(name);
    this.#seen.add(name);
    if (isFirst && isJoined(kind)) await this.#takeStream(member);
    else if (isFirst) await this.#texts.take(member);
    else if (isJoined(kind)) this.#apart.set(name, offset);
    else this.#findings.add({ offset, member: name, problem: "there is another member of that name" });
  }

  async #takeStream(member: ArchiveMember): Promise<void> {
    this.#onStream?.(unreadStream(member));
    const outcome = await verifyMember(member, () => this.#source.offset);
    this.#streams.set(member.name, outcome);
    this.#allowance.add(SNAPSHOT_BYTES * (outcome.stream.description?.snapshots.length ?? 0));
  }

  #noteOrder(member: ArchiveMember): void {
    try {
      this.#order.wants(member);
    } catch (error) {
      this.#orderProblem ??= problemOf(error);
    }
  }

  /** Readers stop at the end blocks; some writers add zeros up to a size of tapes. */
  async #checkTrailer(): Promise<void> {
    if (this.#reader.end !== "blocks") return;
    let { offset } = this.#source;
    for await (const chunk of readAll(this.#source)) {
      const at = chunk.findIndex((byte) => byte !== 0);
      if (at !== -1) return this.#findings.add({ offset: offset + at, problem: "there is data behind the end blocks" });
      offset += chunk.length;
    }
  }

  /** Reads streams once more whose pieces are not one behind the other, as is possible in a file. */
  async #joinPieces(): Promise<void> {
    if (this.#apart.size === 0 || !this.#isWhole) return;
    const members = isSeekable(this.#source) ? (await indexMembers(this.#source)).members : [];
    for (const member of members) if (this.#apart.has(member.name)) this.#streams.set(member.name, await verifyMember(member));
    if (isSeekable(this.#source)) return;
    for (const [name, offset] of this.#apart) {
      const problem = "its pieces are not one behind the other, so that only a file can be checked";
      const outcome = this.#streams.get(name) as StreamOutcome;
      this.#streams.set(name, { ...outcome, finding: { offset, member: name, problem } });
    }
  }

  #notes(): string[] {
    const notes = [];
    if (this.#orderProblem !== undefined) notes.push(`it can be imported from a file, but not from a pipe: ${this.#orderProblem}`);
    if (this.#isWhole && this.#reader.end === "eof") notes.push("it has no end blocks, so that nothing shows whether its end is missing");
    if (this.#unknown > 0) notes.push(`${this.#unknown} members have names that mean nothing and were not checked`);
    if (this.#texts.manifestOffset !== undefined && this.#texts.manifest === undefined) notes.push("its manifest is of a later version and was not compared"); // prettier-ignore
    return notes;
  }
}
