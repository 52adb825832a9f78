// What the flow compiler needs to know about an expression: whether it is allowed, and what it mentions.

import { isInexact } from '../parse/exact-json.ts';
import { parsePlainPath } from './path.ts';
import { checkRegexes } from './program.ts';
import { type References, readPathReferences } from './references.ts';
import { parseExpression } from './syntax.ts';

/** Throws an Error with a plain message where the expression is not allowed. */
export async function findReferences(source: string): Promise<References> {
  const path = parsePlainPath(source.trim());
  const plain = path && readPathReferences(path);
  if (plain !== undefined) return plain;
  const syntax = parseExpression(source);
  await checkRegexes(syntax);
  for (const end of syntax.rounded) refuseRounded(source.slice(0, end));
  return syntax.references;
}

function refuseRounded(textUpToNumber: string): void {
  const [literal = ''] = /\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/.exec(textUpToNumber) ?? [];
  if (isInexact(literal)) throw new Error(`${literal} cannot be held exactly: write it as a text`);
}
