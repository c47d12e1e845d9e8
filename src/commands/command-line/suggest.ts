/**
 * Finds what a mistyped word was meant to be.
 */

/** Fewer letters begin too many words, dashes not counted. */
const BEGINNING = /^-*[^-]{2}/;

/** The candidate with the fewest changed letters, if no more than every third is; else the only one that begins so. */
export function findClosest(word: string, candidates: readonly string[]): string | undefined {
  const typed = word.toLowerCase();
  let closest: string | undefined;
  let fewest = Math.floor(typed.length / 3) + 1;
  for (const candidate of candidates) {
    const changes = editDistance(typed, candidate);
    if (changes < fewest) [closest, fewest] = [candidate, changes];
  }
  if (closest !== undefined || !BEGINNING.test(typed)) return closest;
  const [begun, ...others] = candidates.filter((candidate) => candidate.startsWith(typed));
  return others.length === 0 ? begun : undefined;
}

/** Letters to insert, delete, replace or swap with their neighbour (optimal string alignment). */
function editDistance(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = at(last, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1);
      let best = Math.min(replaced, at(last, column) + 1, at(current, column - 1) + 1);
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) best = Math.min(best, at(beforeLast, column - 2) + 1);
      current.push(best);
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Infinity;
}
