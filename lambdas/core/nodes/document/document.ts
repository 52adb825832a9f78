// The document node: the text of a file.

import * as z from 'zod';
import { anyValue } from '../../flow/fields.ts';
import type { JsonObject } from '../../json.ts';
import { MAX_DOCUMENT_BYTES, MAX_DOCUMENT_TEXT_CHARS } from '../../limits.ts';
import type { OpenFile } from '../../ports/files.ts';
import { asWritten, readInput } from '../node-input.ts';
import { done, failed, type NodeContext, type NodeKind, type Outcome } from '../node-kind.ts';
import { detectFormat } from './format.ts';

const FIELDS = { file: anyValue, as: z.enum(['text', 'rows']).optional() };
const evaluated = z.strictObject(FIELDS);

export const DOCUMENT: NodeKind = {
  type: 'document',
  summary: 'Reads the text of a PDF, DOCX, HTML, CSV, Markdown or text file. Gives {text}, or {rows} of a CSV.',
  fields: {
    file: 'A file input, one of its items, or an address',
    as: 'text (default), or rows of a CSV',
  },
  with: asWritten(FIELDS, { as: FIELDS.as }),
  defaultTimeoutMs: 60_000,

  async run(context, input) {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    const { file: value, as = 'text' } = read.input;
    if (Array.isArray(value)) return failed('node-failed', '`file` is a list: take its items with `each`');
    return readDocument(context, await context.files.open(value, MAX_DOCUMENT_BYTES), as);
  },
};

async function readDocument(context: NodeContext, file: OpenFile, as: 'text' | 'rows'): Promise<Outcome> {
  const found = detectFormat(file);
  if ('unknown' in found) return unreadable(found.unknown);
  const { format, charset } = found;
  if (as === 'rows' && format !== 'csv') return unreadable('only a CSV has rows');
  const { bytes, name } = file;
  const about: JsonObject = { format, ...(name && { name }) };
  // Without `as: rows`, a CSV is plain text.
  if (format === 'text' || (format === 'csv' && as === 'text')) {
    const text = new TextDecoder(charset).decode(bytes);
    return text.length > MAX_DOCUMENT_TEXT_CHARS
      ? unreadable(`its text has more than ${MAX_DOCUMENT_TEXT_CHARS} characters`)
      : done({ text, ...about });
  }
  const end = await context.ports.documents.read({ bytes, format, charset }, context.signal);
  if (end.kind === 'failed') return unreadable(end.message, end.retryable);
  const { kind: _, ...result } = end;
  return done({ ...result, ...about });
}

const unreadable = (reason: string, retryable = false): Outcome =>
  failed('node-failed', `The document cannot be read: ${reason}`, { retryable });
