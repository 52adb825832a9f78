// What the compiler of flows asks of an expression: is it allowed, and what does it mention?

import { plainPath } from './path.ts';
import { checkRegexes } from './program.ts';
import { type References, referencesOfPath } from './references.ts';
import { parseExpression } from './syntax.ts';

/** Throws an Error with one sentence where the expression is not allowed. */
export async function references(source: string): Promise<References> {
  const path = plainPath(source.trim());
  const plain = path && referencesOfPath(path);
  if (plain !== undefined) return plain;
  const syntax = parseExpression(source);
  await checkRegexes(syntax);
  return syntax.references;
}
