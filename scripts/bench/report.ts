/**
 * Generated sections of a Markdown file, each between two comments, everything else being left alone:
 *
 *     <!-- bench export-gzip -->
 *     ...
 *     <!-- /bench export-gzip -->
 */

/** Replaces sections, by name; those that the text does not have yet are appended in order. */
export function updateSections(text: string, sections: ReadonlyMap<string, string>): string {
  let result = text;
  for (const [name, content] of sections) {
    const [open, close] = [`<!-- bench ${name} -->`, `<!-- /bench ${name} -->`];
    const section = `${open}\n\n${content}\n\n${close}`;
    const begin = result.indexOf(open);
    const end = result.indexOf(close, begin);
    if (begin < 0 !== end < 0) throw new Error(`section "${name}" has only one of its two marks`);
    result = begin < 0 ? `${result.trimEnd()}\n\n${section}\n` : result.slice(0, begin) + section + result.slice(end + close.length);
  }
  return result;
}
