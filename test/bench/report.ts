// How the bench shows what it measured: one line per figure, with the figure to reach beside it.

export interface Line {
  what: string;
  measured: string;
  /** As the line shows it; absent where nothing is promised. */
  goal?: string;
  isReached?: boolean;
}

const MARKS = { true: 'reached', false: 'NOT REACHED', undefined: '' } as const;

export function atMost(what: string, measured: number, { most, unit }: { most: number; unit: string }): Line {
  return { what, measured: amount(measured, unit), goal: `at most ${amount(most, unit)}`, isReached: measured <= most };
}

/** Nothing is promised about it. */
export function figure(what: string, measured: number, unit: string): Line {
  return { what, measured: amount(measured, unit) };
}

export function render(title: string, lines: readonly Line[]): string {
  const widths = [
    Math.max(...lines.map(({ what }) => what.length)),
    Math.max(...lines.map(({ measured }) => measured.length)),
    Math.max(...lines.map(({ goal = '' }) => goal.length)),
  ] as const;
  const rows = lines.map(({ what, measured, goal = '', isReached }) =>
    [what.padEnd(widths[0]), measured.padStart(widths[1]), goal.padEnd(widths[2]), MARKS[`${isReached}`]]
      .join('   ')
      .trimEnd(),
  );
  return [`\n${title}`, ...rows.map((row) => `  ${row}`), ''].join('\n');
}

/** `0.5` is the median. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function amount(value: number, unit: string): string {
  const digits = Math.abs(value) >= 100 ? 0 : 2;
  const text = value.toLocaleString('en-US', { maximumFractionDigits: digits });
  return unit === '$' ? `$${text}` : `${text} ${unit}`.trimEnd();
}
