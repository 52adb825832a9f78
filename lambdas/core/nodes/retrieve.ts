// The retrieve node: finds passages in a knowledge base that the deployment grants.

import * as z from 'zod';
import { ID } from '../flow/fields.ts';
import type { JsonObject } from '../json.ts';
import { MAX_PASSAGES, MAX_QUERY_CHARS } from '../limits.ts';
import { asWritten, readInput } from './node-input.ts';
import { done, failed, type NodeKind } from './node-kind.ts';

const DEFAULT_PASSAGES = 5;

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const FIELDS = {
  source: z.string().regex(ID),
  query: z.string().trim().min(1).max(MAX_QUERY_CHARS),
  topK: z.int().min(1).max(MAX_PASSAGES).optional(),
  minScore: z.number().min(0).max(1).optional(),
  filter: z.record(z.string().min(1), z.union([scalar, z.array(scalar).min(1)])).optional(),
};
const evaluated = z.strictObject(FIELDS);

interface RetrieveWith extends JsonObject {
  source: string;
}

export const RETRIEVE: NodeKind<RetrieveWith> = {
  type: 'retrieve',
  summary: 'Finds passages in a knowledge base. Gives {items: [{text, score, url, metadata}]}, the best first.',
  fields: {
    source: 'A knowledge base of the deployment',
    query: 'What to look for',
    topK: 'The number of passages (5)',
    minScore: 'Without those that fit less, 0 to 1',
    filter: 'Metadata that a document must have; a list means any of its values',
  },
  // Data must not choose whose documents are read.
  with: asWritten(FIELDS, { source: FIELDS.source }),
  defaultTimeoutMs: 30_000,
  uses: ({ source }) => [{ resource: 'knowledge', name: source }],

  async run(context, input) {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    const { source, query, topK = DEFAULT_PASSAGES, minScore = 0, filter } = read.input;
    const { knowledge } = context.ports;
    if (!knowledge.sources.includes(source))
      return failed('node-failed', describeUnknownSource(source, knowledge.sources));
    const answer = await knowledge.retrieve({
      source,
      query,
      topK,
      filter,
      signal: context.signal,
    });
    if (answer.kind === 'error') {
      const message = `The knowledge base '${source}' did not answer: ${answer.message}`;
      return failed('node-failed', message, { retryable: answer.retryable });
    }
    const items = answer.passages.filter(({ score }) => score === null || score >= minScore);
    return done({ items: items.map((passage) => ({ ...passage })) });
  },
};

function describeUnknownSource(source: string, sources: readonly string[]): string {
  const known = sources.length === 0 ? 'it has none (stack option knowledgeBases)' : `it has ${sources.join(', ')}`;
  return `This deployment has no knowledge base '${source}': ${known}`;
}
