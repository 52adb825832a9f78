// Finds the tags of a template in one pass over its characters.

export interface Tag {
  /** With its braces. */
  source: string;
  kind: 'expression' | 'statement' | 'comment';
  /** Of the template. */
  offset: number;
  isClosed: boolean;
}

const CLOSERS = { '{{': '}}', '{%': '%}', '{#': '#}' } as const;
const KINDS = { '{{': 'expression', '{%': 'statement', '{#': 'comment' } as const;

export function readTags(text: string): Tag[] {
  const tags: Tag[] = [];
  for (let at = text.indexOf('{'); at >= 0; at = text.indexOf('{', at)) {
    const opener = text.slice(at, at + 2) as keyof typeof CLOSERS;
    if (!Object.hasOwn(CLOSERS, opener)) {
      at += 1;
      continue;
    }
    const end = opener === '{#' ? skipComment(text, at) : skipTag(text, { from: at + 2, closer: CLOSERS[opener] });
    tags.push({ source: text.slice(at, end), kind: KINDS[opener], offset: at, isClosed: end !== undefined });
    if (end === undefined) break;
    at = end;
  }
  return tags;
}

function skipComment(text: string, at: number): number | undefined {
  const end = text.indexOf('#}', at + 2);
  return end < 0 ? undefined : end + 2;
}

const PIECE = /"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|%\}|[{}]|[^"'{}%]+|%/gs;
const STEP: Record<string, number> = { '{': 1, '}': -1 };

/** A closer in quotes, or one that closes a map inside the tag, does not close the tag. */
function skipTag(text: string, { from, closer }: { from: number; closer: string }): number | undefined {
  const pieces = new RegExp(PIECE);
  pieces.lastIndex = from;
  let depth = 0;
  for (let piece = pieces.exec(text); piece; piece = pieces.exec(text)) {
    if (depth === 0 && text.startsWith(closer, piece.index)) return piece.index + 2;
    depth += STEP[piece[0]] ?? 0;
  }
  return undefined;
}
