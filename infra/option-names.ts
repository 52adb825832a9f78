// Names in the CDK context that were meant as options. The context is shared with the CDK itself and with whatever else
// keeps its settings there, so only what looks like an option is refused; the CDK ignores what nobody reads.

const MIN_PREFIX = 4;

/** What to say of each: `'workerMemory' (did you mean 'workerMemoryMb'?)`. */
export function findNearMisses(names: readonly string[], options: readonly string[]): string[] {
  return names.flatMap((name) => {
    if (options.includes(name)) return [];
    const meant = options.find((option) => isNear(simplify(name), simplify(option)));
    return meant === undefined ? [] : [`'${name}' (did you mean '${meant}'?)`];
  });
}

/** `worker-memory-mb` and `WorkerMemoryMB` are the same; names of the CDK's own (`@aws-cdk/…`, `aws:…`) are near nothing. */
function simplify(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.\s]/g, '');
}

function isNear(name: string, option: string): boolean {
  if (/[:/@]/.test(name)) return false;
  const [shorter, longer] = name.length < option.length ? [name, option] : [option, name];
  if (shorter.length >= MIN_PREFIX && longer.startsWith(shorter)) return true;
  return countEdits(name, option) <= (option.length > 6 ? 2 : 1);
}

/** Letters to insert, remove or replace: Levenshtein's distance, row by row. */
function countEdits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
