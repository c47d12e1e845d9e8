/**
 * The page under the emitter: text, the column, and what stands before it, as libyaml keeps count of them. Spaces and line breaks are
 * written late: a break only when {@link YamlWriter.indent} finds that the line is taken, a space only before an indicator that needs one.
 */

/** Columns after which a space becomes a line break. */
const BEST_WIDTH = 80;

/** How an indicator joins its neighbours. */
interface IndicatorOptions {
  /** A space goes before it unless there is one. */
  spaced?: boolean;
  /** It counts as indentation, so that what follows may start on the same line (`- - a`). */
  indents?: boolean;
}

/** Builds the text of one document. */
export class YamlWriter {
  #text = "";
  #column = 0;
  #afterSpace = true;
  #inIndentation = true;

  get text(): string {
    return this.#text;
  }

  /** Whether the line is longer than it should be, so that the next space should be a break. */
  get isFull(): boolean {
    return this.#column > BEST_WIDTH;
  }

  /** Whether nothing but indentation and `-`, `?`, `:` is on this line. */
  get inIndentation(): boolean {
    return this.#inIndentation;
  }

  /** Writes a piece of content, given as one or more characters on one line. */
  put(characters: string): void {
    this.#text += characters;
    this.#column += characters.length;
    this.#inIndentation = false;
  }

  /** Ends the line. */
  break(): void {
    this.#text += "\n";
    this.#column = 0;
    this.#inIndentation = true;
  }

  /** Goes to a column, on the next line where this one is taken. */
  indent(column: number): void {
    const taken = !this.#inIndentation || this.#column > column || (this.#column === column && !this.#afterSpace);
    if (taken) this.break();
    if (this.#column < column) this.#text += " ".repeat(column - this.#column);
    this.#column = Math.max(this.#column, column);
    this.#afterSpace = true;
    this.#inIndentation = true;
  }

  /** Writes punctuation or a tag. */
  indicator(text: string, { spaced = true, indents = false }: IndicatorOptions = {}): void {
    const wasIndentation = this.#inIndentation;
    this.put(spaced && !this.#afterSpace ? ` ${text}` : text);
    this.#afterSpace = false;
    this.#inIndentation = wasIndentation && indents;
  }

  /** Starts the lines of a block scalar. */
  startBlock(): void {
    this.break();
    this.#afterSpace = true;
  }

  /** Ends a plain or quoted scalar. */
  endScalar(): void {
    this.#afterSpace = false;
    this.#inIndentation = false;
  }
}
