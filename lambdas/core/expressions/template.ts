// Splits a text into literal parts and the expressions in `${{ }}`. What an expression means is left to syntax.ts.

export interface ExpressionPart {
  source: string;
  /** Where the expression begins in the text. */
  offset: number;
}

export type Template =
  | { kind: 'text'; text: string }
  /** Nothing but one expression: it keeps its type. */
  | { kind: 'value'; source: string; offset: number }
  | { kind: 'spliced'; parts: (string | ExpressionPart)[] }
  /** A `${{` without a `}}`. */
  | { kind: 'broken'; offset: number };

const OPEN = '${{';
const CLOSE = '}}';

export function parseTemplate(text: string): Template {
  if (!text.includes(OPEN)) return { kind: 'text', text };
  const parts: (string | ExpressionPart)[] = [];
  let at = 0;
  for (let open = text.indexOf(OPEN); open >= 0; open = text.indexOf(OPEN, at)) {
    const start = open + OPEN.length;
    const end = findClose(text, start);
    if (end === undefined) return { kind: 'broken', offset: open };
    if (open > at) parts.push(text.slice(at, open));
    parts.push({ source: text.slice(start, end).trim(), offset: open });
    at = end + CLOSE.length;
  }
  if (at < text.length) parts.push(text.slice(at));
  // A block scalar ends with a line break that its author did not intend.
  const meant = parts.filter((part) => typeof part !== 'string' || part.trim() !== '');
  const [only] = meant;
  if (meant.length === 1 && only !== undefined && typeof only !== 'string') return { kind: 'value', ...only };
  return { kind: 'spliced', parts };
}

/** The expressions of a text, in order; undefined where a `${{` has no `}}`. */
export function findExpressions(text: string): ExpressionPart[] | undefined {
  const template = parseTemplate(text);
  switch (template.kind) {
    case 'text':
      return [];
    case 'value':
      return [{ source: template.source, offset: template.offset }];
    case 'spliced':
      return template.parts.filter((part) => typeof part !== 'string');
    case 'broken':
      return undefined;
  }
}

/** Index of the `}}` that closes the expression: not one in quotes, a comment, a regex, or of an object's braces. */
function findClose(text: string, start: number): number | undefined {
  let depth = 0;
  let before = '(';
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '}') {
      if (depth === 0) {
        if (text.startsWith(CLOSE, at)) return at;
      } else depth--;
    }
    if (char === '{') depth++;
    const skipped = skipQuoted(text, at, before);
    if (skipped === undefined) return undefined;
    at = skipped;
    if (char.trim() !== '') before = char;
  }
  return undefined;
}

// After one of these a slash begins a regex; after anything else it divides.
const BEFORE_REGEX = '(,[{:;=~?&|!<>+-*%';

/** Last index of the quoted part that begins here; the same index where none begins, undefined where it has no end. */
function skipQuoted(text: string, at: number, before: string): number | undefined {
  const char = text.charAt(at);
  if (char === '"' || char === "'") return findEnd(text, at, char);
  if (char === '`') return indexOrNone(text.indexOf('`', at + 1));
  if (char !== '/') return at;
  if (text.charAt(at + 1) === '*') {
    const end = text.indexOf('*/', at + 2);
    return end < 0 ? undefined : end + 1;
  }
  return BEFORE_REGEX.includes(before) ? findEnd(text, at, '/') : at;
}

function findEnd(text: string, at: number, quote: string): number | undefined {
  for (let end = at + 1; end < text.length; end++) {
    const char = text.charAt(end);
    if (char === '\\') end++;
    else if (char === quote) return end;
  }
  return undefined;
}

function indexOrNone(index: number): number | undefined {
  return index < 0 ? undefined : index;
}
