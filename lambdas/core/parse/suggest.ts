// "did you mean ...?": the known name that is nearest to a misspelled one.

const MAX_NAME_CHARS = 64;

/** ` (did you mean 'feed'?)`, or nothing where no known name is near. */
export function suggest(wrong: unknown, known: Iterable<string>, prefix = ''): string {
  // The `toString` of an object may not be a function.
  const near = typeof wrong === 'object' ? undefined : findNearest(String(wrong), known);
  return near === undefined ? '' : ` (did you mean '${prefix}${near}'?)`;
}

function findNearest(wrong: string, known: Iterable<string>): string | undefined {
  if (wrong.length > MAX_NAME_CHARS) return undefined;
  let best: string | undefined;
  // A third of the letters may differ, so short names are not matched with anything.
  let bestDistance = Math.floor(wrong.length / 3) + 1;
  for (const name of known) {
    if (name.toLowerCase() === wrong.toLowerCase()) return name;
    const distance = countEdits(wrong, name, bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** Insertions, deletions and replacements between the two; `limit` where there are at least that many. */
function countEdits(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  // Two letters exchanged count as one mistake: 'tpye'.
  const exchanged = a.length === b.length && [...a].sort().join('') === [...b].sort().join('');
  return exchanged ? Math.min(1, row[b.length] ?? limit) : (row[b.length] ?? limit);
}
