// Checks a Jinja template before it runs: tags that do not parse, and blocks that are not closed or not opened. Tags are
// parsed one by one: the library's time grows with the square of its input.

import type { WithProblem } from '../../flow/authored-kind.ts';
import { EXPRESSION_CHARS } from '../../limits.ts';
import { readTags, type Tag } from './tags.ts';

type Library = Pick<typeof import('@huggingface/jinja'), 'parse' | 'tokenize'>;

const ENDS: Record<string, string> = {
  if: 'endif',
  for: 'endfor',
  macro: 'endmacro',
  call: 'endcall',
  filter: 'endfilter',
  set: 'endset',
};
const ALLOWED_IN: Record<string, string[]> = { elif: ['if'], else: ['if', 'for'] };
const MAX_PROBLEMS = 10;

export async function findJinjaProblems(text: string): Promise<WithProblem[]> {
  const library = await import('@huggingface/jinja');
  const open: Block[] = [];
  const found: { tag: Tag; message: string }[] = [];
  for (const tag of readTags(text)) {
    const message = findTagProblem(library, tag, open);
    if (message !== undefined) found.push({ tag, message });
    if (found.length === MAX_PROBLEMS) break;
  }
  if (found.length === 0) {
    for (const { word, tag } of open.slice(0, MAX_PROBLEMS))
      found.push({ tag, message: `'{% ${word} %}' has no '{% ${ENDS[word]} %}'` });
  }
  return found.map(({ tag, message }) => ({ path: ['text'], message, at: toPosition(text, tag.offset) }));
}

interface Block {
  word: string;
  tag: Tag;
}

function findTagProblem(library: Library, tag: Tag, open: Block[]): string | undefined {
  if (!tag.isClosed) return `'${tag.source.slice(0, 2)}' is not closed`;
  if (tag.kind === 'comment') return undefined;
  if (tag.kind === 'expression') return findSyntaxProblem(library, tag.source);
  const word = /^\{%-?\s*(\w+)/.exec(tag.source)?.[1] ?? '';
  if (Object.values(ENDS).includes(word)) return findEndProblem(word, open.pop());
  if (Object.hasOwn(ALLOWED_IN, word)) return findMiddleProblem(library, { word, tag }, open.at(-1));
  // `{% set x = 1 %}` is whole; `{% set x %}…{% endset %}` is a block.
  const isBlock = Object.hasOwn(ENDS, word) && !(word === 'set' && tag.source.includes('='));
  if (isBlock) open.push({ word, tag });
  return findSyntaxProblem(library, tag.source, ['', isBlock ? `{% ${ENDS[word]} %}` : '']);
}

function findEndProblem(word: string, last: Block | undefined): string | undefined {
  return last && ENDS[last.word] === word ? undefined : `'{% ${word} %}' does not end an open block`;
}

function findMiddleProblem(library: Library, { word, tag }: Block, parent: Block | undefined): string | undefined {
  const places = ALLOWED_IN[word] ?? [];
  if (!places.includes(parent?.word ?? '')) return `'{% ${word} %}' is allowed only in ${places.join(' or ')}`;
  return word === 'elif' ? findSyntaxProblem(library, tag.source, ['{% if true %}', '{% endif %}']) : undefined;
}

function findSyntaxProblem({ parse, tokenize }: Library, source: string, around = ['', '']): string | undefined {
  if (source.length > EXPRESSION_CHARS) return `a tag has at most ${EXPRESSION_CHARS} characters`;
  try {
    parse(tokenize(around.join(source.replace(/\s+/g, ' '))));
    return undefined;
  } catch (error) {
    return `'${shorten(source)}' does not parse: ${(error as Error).message.replace(/^Parser Error: /, '')}`;
  }
}

const shorten = (source: string): string => (source.length > 60 ? `${source.slice(0, 59)}…` : source);

function toPosition(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
