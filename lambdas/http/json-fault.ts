// Where a text stops being JSON, and what could have stood there. JSON.parse tells this only for some faults.

export interface JsonFault {
  /** Index of the first character that cannot go on a JSON text; the text's length when it ends too early. */
  offset: number;
  expected: string;
}

type State = 'value' | 'firstItem' | 'firstName' | 'name' | 'colon' | 'next' | 'end';

const EXPECTED: Record<State, string> = {
  value: 'a value',
  firstItem: "a value or ']'",
  firstName: "a name in double quotes or '}'",
  name: 'a name in double quotes',
  colon: "':'",
  next: "',' or the closing bracket",
  end: 'nothing more',
};

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERAL = /true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

function endOf(token: RegExp, text: string, at: number): number {
  token.lastIndex = at;
  return token.test(text) ? token.lastIndex : at;
}

/** The index after the closing quote, or the place where the string breaks off. */
function readString(text: string, at: number): { end: number; closed: boolean } {
  let index = at + 1;
  while (index < text.length) {
    const char = text[index] as string;
    if (char === '"') return { end: index + 1, closed: true };
    if (char < ' ') break;
    const next = char === '\\' ? endOf(ESCAPE, text, index) : index + 1;
    if (next === index) break;
    index = next;
  }
  return { end: index, closed: false };
}

type Token = '{' | '}' | '[' | ']' | ':' | ',' | 'string' | 'scalar';

/** The token at an index and where it ends; without `token`, where the text breaks off. */
function readToken(text: string, at: number): { token?: Token; end: number } {
  const char = text[at] as string;
  if ('{}[]:,'.includes(char)) return { token: char as Token, end: at + 1 };
  if (char === '"') {
    const { end, closed } = readString(text, at);
    return closed ? { token: 'string', end } : { end };
  }
  const end = Math.max(endOf(NUMBER, text, at), endOf(LITERAL, text, at));
  return end > at ? { token: 'scalar', end } : { end };
}

const CLOSES: Partial<Record<Token, Token>> = { '}': '{', ']': '[' };

const afterValue = (open: Token[]): State => (open.length === 0 ? 'end' : 'next');

function beginValue(token: Token, open: Token[]): State | undefined {
  if (token === 'string' || token === 'scalar') return afterValue(open);
  if (token !== '{' && token !== '[') return undefined;
  open.push(token);
  return token === '{' ? 'firstName' : 'firstItem';
}

/** The state after a token, or undefined where it may not stand. */
function step(state: State, token: Token, open: Token[]): State | undefined {
  const inside = open.at(-1);
  if (inside !== undefined && CLOSES[token] === inside && ['next', 'firstName', 'firstItem'].includes(state)) {
    open.pop();
    return afterValue(open);
  }
  if (state === 'value' || state === 'firstItem') return beginValue(token, open);
  if (state === 'name' || state === 'firstName') return token === 'string' ? 'colon' : undefined;
  if (state === 'colon') return token === ':' ? 'value' : undefined;
  if (state !== 'next' || token !== ',') return undefined;
  return inside === '{' ? 'name' : 'value';
}

/** Undefined for a JSON text. */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: Token[] = [];
  let state: State = 'value';
  let at = endOf(SPACE, text, 0);
  while (at < text.length) {
    const { token, end } = readToken(text, at);
    if (token === undefined && end > at) return { offset: end, expected: 'the rest of a string' };
    const next: State | undefined = token && step(state, token, open);
    if (next === undefined) return { offset: at, expected: EXPECTED[state] };
    state = next;
    at = endOf(SPACE, text, end);
  }
  return state === 'end' ? undefined : { offset: at, expected: EXPECTED[state] };
}

/** 1-based line and column of an index. */
export function locate(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split('\n').length, column: offset - before.lastIndexOf('\n') };
}
