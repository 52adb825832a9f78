// `{{ $nodes.a }}` where `${{ $nodes.a }}` was meant: without its dollar sign it is only text, and would be sent as it is.

import { ROOTS } from '../expressions/names.ts';
import type { Problems } from './problems.ts';
import type { Draft } from './scope.ts';
import type { Path } from './source.ts';

// With a dollar sign before the brackets it is an expression, with a third bracket it is a template of somebody else.
const BARE = new RegExp(`(?<![$\\{])\\{\\{\\s*\\$(?:${ROOTS.join('|')})\\b`);

/** In everything of the node that may hold `${{ }}`. The text of a template is not looked at: its language is another. */
export function checkBraces(problems: Problems, { path, fields, kind, written }: Draft): void {
  const { output, onError, repeat, each } = fields;
  const raw = new Set(kind.rawFields ?? []);
  const own = Object.fromEntries(Object.entries(written).filter(([field]) => !raw.has(field)));
  checkBracesIn(problems, own, [...path, 'with']);
  for (const [field, value] of Object.entries({ output, onError, repeat, each })) {
    checkBracesIn(problems, value, [...path, field]);
  }
}

export function checkBracesIn(problems: Problems, value: unknown, path: Path): void {
  if (typeof value === 'string') {
    const [found] = BARE.exec(value) ?? [];
    if (found === undefined) return;
    problems.expression(path, found, `'${found} …' is only text: write \${{ }} for the value`);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value)) checkBracesIn(problems, item, [...path, key]);
}
