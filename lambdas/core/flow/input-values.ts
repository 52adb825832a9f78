// Whether one value fits one input: its type, and the limits that the flow sets for it.

import * as z from 'zod';
import type { Json, JsonObject } from '../json.ts';
import { suggest } from '../parse/suggest.ts';
import type { InputSpec, InputType } from './plan.ts';

const file = z.union([
  z.strictObject({
    url: z.url({ protocol: /^https?$/ }).max(2_048),
    name: z.string().max(255).optional(),
    type: z.string().max(255).optional(),
    size: z.int().min(0).optional(),
  }),
  z.strictObject({
    id: z.string().min(1).max(255),
    name: z.string().optional(),
    type: z.string().optional(),
    size: z.int().min(0).optional(),
  }),
]);

const FILE_SHAPE = '{"url": "https://..."} (name, type and size are optional) or {"id": "..."} of an upload';

interface TypeRule {
  fits(value: Json): boolean;
  /** Completes the message "must be ...". */
  name: string;
}

const isText = (value: Json) => typeof value === 'string';
const isFile = (value: Json) => file.safeParse(value).success;
const isNumber = (value: Json) => typeof value === 'number' && Number.isFinite(value);

const TYPES: Record<InputType, TypeRule> = {
  string: { fits: isText, name: 'a string' },
  text: { fits: isText, name: 'a string' },
  number: { fits: isNumber, name: 'a number' },
  integer: { fits: (value) => Number.isSafeInteger(value), name: 'a whole number' },
  boolean: { fits: (value) => typeof value === 'boolean', name: 'true or false' },
  // `options` decides which values are allowed.
  enum: { fits: () => true, name: 'one of its options' },
  object: { fits: (value) => typeof value === 'object' && value !== null && !Array.isArray(value), name: 'an object' },
  array: { fits: Array.isArray, name: 'a list' },
  file: { fits: isFile, name: `a file: ${FILE_SHAPE}` },
  files: { fits: (value) => Array.isArray(value) && value.every(isFile), name: `a list of files, each ${FILE_SHAPE}` },
};

/** Whether runs can be found by an input of this type: its value is one short text. */
export function isSearchable(type: InputType): boolean {
  return ['string', 'text', 'number', 'integer', 'boolean', 'enum'].includes(type);
}

/** What is wrong with the value: messages that begin with a verb, to follow the name of the input. */
export async function findValueProblems(spec: InputSpec, value: Json): Promise<string[]> {
  const { fits, name } = TYPES[spec.type];
  if (!fits(value)) return [`must be ${name}`];
  const problems = [
    ...optionProblems(spec, value),
    ...rangeProblems(spec, value),
    ...lengthProblems(spec, value),
    ...fileProblems(spec, value),
    ...(await schemaProblems(spec, value)),
  ];
  if (problems.length > 0 || spec.pattern === undefined || typeof value !== 'string') return problems;
  const { matchesRegex } = await import('../expressions/regex.ts');
  return matchesRegex(spec.pattern, value) ? [] : [`must match ${spec.pattern}`];
}

function optionProblems({ options }: InputSpec, value: Json): string[] {
  if (options === undefined || options.includes(value)) return [];
  return [`must be one of ${options.join(', ')}${suggest(value, options.map(String))}`];
}

function rangeProblems({ min, max }: InputSpec, value: Json): string[] {
  if (typeof value !== 'number') return [];
  if (min !== undefined && value < min) return [`must be at least ${min}`];
  return max !== undefined && value > max ? [`must be at most ${max}`] : [];
}

function lengthProblems({ minLength, maxLength }: InputSpec, value: Json): string[] {
  if (typeof value !== 'string' && !Array.isArray(value)) return [];
  const unit = typeof value === 'string' ? 'characters' : 'items';
  // Characters as a reader counts them: an emoji is one.
  const length = typeof value === 'string' ? [...value].length : value.length;
  if (minLength !== undefined && length < minLength) return [`must have at least ${minLength} ${unit}`];
  return maxLength !== undefined && length > maxLength ? [`must have at most ${maxLength} ${unit}`] : [];
}

function fileProblems(spec: InputSpec, value: Json): string[] {
  if (spec.type !== 'file' && spec.type !== 'files') return [];
  const files = [value].flat() as JsonObject[];
  if (spec.maxFiles !== undefined && files.length > spec.maxFiles) return [`must have at most ${spec.maxFiles} files`];
  return files.flatMap((one) => {
    if (spec.maxSizeBytes !== undefined && Number(one['size'] ?? 0) > spec.maxSizeBytes) {
      return [`must have at most ${spec.maxSizeBytes} bytes`];
    }
    return isAccepted(spec.accept, one) ? [] : [`must be of type ${spec.accept?.join(', ')}`];
  });
}

/** A file without type and name cannot be refused here. */
function isAccepted(accept: readonly string[] | undefined, { type, name }: JsonObject): boolean {
  if (accept === undefined || (type === undefined && name === undefined)) return true;
  return accept.some((rule) => {
    if (rule.startsWith('.'))
      return String(name ?? '')
        .toLowerCase()
        .endsWith(rule.toLowerCase());
    return rule.endsWith('/*') ? String(type ?? '').startsWith(rule.slice(0, -1)) : type === rule;
  });
}

async function schemaProblems({ schema }: InputSpec, value: Json): Promise<string[]> {
  if (schema === undefined) return [];
  const { findSchemaProblems: check } = await import('./value-schema.ts');
  return check(schema, value);
}
