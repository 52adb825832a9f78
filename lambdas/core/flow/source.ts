// Reads the text of a flow, YAML 1.2 or JSON (which is YAML), and locates each value in it. What the fields mean belongs
// to the rest of the compiler.

import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
} from 'yaml';
import { MAX_JSON_DEPTH, MAX_SOURCE_BYTES } from '../limits.ts';
import { isInexact } from '../parse/exact-json.ts';
import type { Problem } from './plan.ts';

export type Path = readonly (string | number)[];

export interface Source {
  /** The whole text as data; an object at the top. */
  value: Record<string, unknown>;
  /** 1-based position of the value at the path (or of its key), or of its nearest parent that exists. */
  locate(path: Path, at?: 'key' | 'value'): { line: number; column: number };
  /** Position of the first occurrence of `text` within the value at the path; of the value where there is none. */
  locateText(path: Path, text: string): { line: number; column: number };
  /** Position of a line and column (1-based) of the text at the path; of the value where its lines are not the source's. */
  locateWithin(path: Path, at: { line: number; column: number }): { line: number; column: number };
}

const MAX_ALIASES = 50;

/** The source, or the problem for which the text cannot be read at all. */
export function readSource(text: string): { source: Source } | { unreadable: Problem } {
  const lines = new LineCounter();
  const toPosition = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const unreadable = (message: string, offset = 0) => ({
    unreadable: { ...toPosition(offset), message, severity: 'error' as const },
  });
  if (text.trim() === '') return unreadable('the flow is empty');
  const document = parse(text, lines);
  const [syntax] = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  if (syntax !== undefined) return unreadable(describeSyntaxError(syntax.message, text, syntax.pos[0]), syntax.pos[0]);
  const shape = findShapeProblem(document, document.contents, 0);
  if (shape !== undefined) return unreadable(shape.message, shape.offset);
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    if (JSON.stringify(value).length > 2 * MAX_SOURCE_BYTES) return unreadable('the aliases make the flow too large');
    return { source: makeSource({ text, document, toPosition: toPosition }, value as Record<string, unknown>) };
  } catch (error) {
    return unreadable(describeAliasError(error));
  }
}

// Unique keys are checked by findShapeProblem: the library compares every key with every other.
function parse(text: string, lineCounter: LineCounter): Document.Parsed {
  return parseDocument(text, {
    lineCounter,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'error',
    version: '1.2',
  });
}

interface Read {
  text: string;
  document: Document.Parsed;
  toPosition(offset: number): { line: number; column: number };
}

function makeSource({ text, document, toPosition: positionOf }: Read, value: Record<string, unknown>): Source {
  const find = (path: Path, at: 'key' | 'value') => {
    let found: Node | null = document.contents;
    for (const [index, step] of path.entries()) {
      const target: Node | null | undefined = isAlias(found) ? found.resolve(document) : found;
      const isLast = index === path.length - 1;
      const next = findChild(target ?? null, step, isLast ? at : 'value');
      if (next === undefined) break;
      found = next;
    }
    return found;
  };
  return {
    value,
    locate: (path, at = 'value') => positionOf(find(path, at)?.range?.[0] ?? 0),
    locateWithin(path, at) {
      const scalar = find(path, 'value');
      const header = positionOf(scalar?.range?.[0] ?? 0);
      if (!isScalar(scalar) || scalar.type !== 'BLOCK_LITERAL') return header;
      const content = String(scalar.value).split('\n')[at.line - 1] ?? '';
      const line = header.line + at.line;
      const written = text.split('\n')[line - 1] ?? '';
      return { line, column: Math.max(written.indexOf(content), 0) + at.column };
    },
    locateText(path, wanted) {
      const [start, end] = find(path, 'value')?.range ?? [0, 0];
      const offset = text.slice(start, end).includes('\n') ? text.indexOf(wanted, start) : start;
      return positionOf(offset >= start && offset < end ? offset : start);
    },
  };
}

function findChild(parent: Node | null, step: string | number, at: 'key' | 'value'): Node | undefined {
  if (isSeq(parent)) return parent.items[Number(step)] as Node | undefined;
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find(({ key }) => readKey(key) === String(step)) as Pair<Node, Node | null> | undefined;
  return pair && (at === 'key' ? pair.key : (pair.value ?? pair.key));
}

interface ShapeProblem {
  message: string;
  offset: number;
}

// An escape such as "\\ud83d" without its other half: such a text can neither be stored nor sent on.
const CUT = 'the text contains half of a character';
const isCut = (value: unknown): boolean => typeof value === 'string' && !value.isWellFormed();

/** A whole number that would be rounded. One such as `.inf` is refused by the schemas. */
function findInexact({ value, source = '' }: Scalar): string | undefined {
  const digits = source.replace(/^\+/, '');
  return typeof value === 'number' && /^-?\d+$/.test(digits) && isInexact(digits) ? digits.slice(0, 40) : undefined;
}

/** The nesting is not deeper than in a run's data, keys are plain and occur once, and the top is a map. */
function findShapeProblem(document: Document, node: unknown, depth: number): ShapeProblem | undefined {
  const offset = readOffset(node);
  const inside = (child: unknown) => findShapeProblem(document, child, depth + 1);
  if (depth > MAX_JSON_DEPTH) return { message: `the flow is nested more than ${MAX_JSON_DEPTH} levels deep`, offset };
  if (depth === 0 && !isMap(node)) return { message: 'a flow is a map with flow, name and nodes', offset };
  if (isAlias(node) && !node.resolve(document)) {
    return { message: `there is no anchor &${node.source} (put quotes around a text that begins with *)`, offset };
  }
  if (isScalar(node) && isCut(node.value)) return { message: CUT, offset };
  const number = isScalar(node) && findInexact(node);
  if (number) return { message: `${number} cannot be held exactly: put quotes around it`, offset };
  if (isSeq(node)) return findFirst(node.items, inside);
  if (!isMap(node)) return undefined;
  const keys = new Set<string>();
  return findFirst(node.items, ({ key, value }) => findKeyProblem(key, keys) ?? inside(value));
}

function findKeyProblem(key: unknown, keys: Set<string>): ShapeProblem | undefined {
  const text = readKey(key);
  if (text === undefined) return { message: 'a key must be a plain text', offset: readOffset(key) };
  if (isCut(text)) return { message: CUT, offset: readOffset(key) };
  if (keys.has(text)) return { message: `the key '${text}' occurs twice`, offset: readOffset(key) };
  keys.add(text);
  return undefined;
}

function findFirst<T>(items: T[], find: (item: T) => ShapeProblem | undefined): ShapeProblem | undefined {
  for (const item of items) {
    const problem = find(item);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function readKey(key: unknown): string | undefined {
  return isScalar(key) ? String(key.value) : undefined;
}

function readOffset(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}

/** One message, with advice for the most common mistake: `${{ }}` with special characters of YAML in it. */
function describeSyntaxError(message: string, text: string, offset: number): string {
  const line = text.slice(text.lastIndexOf('\n', offset - 1) + 1).split('\n', 1)[0] ?? '';
  const hint = /\$\{\{.*(: |:$| #)/.test(line) ? " (put quotes around a text with ': ' or ' #' inside ${{ }})" : '';
  const plain = message === 'Maximum call stack size exceeded' ? 'the flow is nested too deeply' : message;
  return `${plain.charAt(0).toLowerCase()}${plain.slice(1)}${hint}`;
}

function describeAliasError(error: unknown): string {
  return error instanceof ReferenceError ? 'the aliases make the flow too large' : 'an alias refers to itself';
}
