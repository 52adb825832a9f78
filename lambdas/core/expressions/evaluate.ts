// Evaluates expressions and the `${{ }}` in texts for the engine. The interpreter is loaded with the first expression
// that is more than a plain path.

import { ApiError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { EXPRESSION_TIMEOUT_MS, MAX_PAYLOAD_BYTES } from '../limits.ts';
import { copyJson } from './measure.ts';
import { FUNCTIONS, type Root } from './names.ts';
import { follow, type PlainPath, parsePlainPath } from './path.ts';
import type { Program } from './program.ts';
import { parseTemplate } from './template.ts';

/** The values of the roots, without their `$`. An absent root reads as null. */
export type Bindings = { [root in Root]?: Json };

interface Compiled {
  path: PlainPath | undefined;
  program?: Promise<Program>;
}

// A flow has a few hundred expressions at most, and a process serves several flows.
const CACHE_SIZE = 2_000;
const cache = new Map<string, Compiled>();
const MAX_QUOTED_CHARS = 120;

/** The value of a bare expression; null where it has none. Throws ApiError('expression-failed'). */
export async function evaluate(
  source: string,
  bindings: Bindings,
  options: { timeoutMs?: number } = {},
): Promise<Json> {
  const compiled = lookUp(source.trim());
  try {
    const plain = compiled.path && follow(compiled.path, bindings);
    if (plain !== undefined && plain !== 'declined') return copyJson(plain.value ?? null);
    const { timeoutMs = EXPRESSION_TIMEOUT_MS } = options;
    if (timeoutMs !== EXPRESSION_TIMEOUT_MS) return await (await load(source, timeoutMs))(bindings);
    compiled.program ??= load(source);
    return await (await compiled.program)(bindings);
  } catch (error) {
    throw makeFailure(source, error);
  }
}

/** A copy of the value in which every string with `${{ }}` is evaluated. Keys are left as they are. */
export async function evaluateDeep(value: Json, bindings: Bindings): Promise<Json> {
  if (typeof value === 'string') return evaluateText(value, bindings);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items: Json[] = [];
    for (const item of value) items.push(await evaluateDeep(item, bindings));
    return items;
  }
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    if (key !== '__proto__') result[key] = await evaluateDeep(item, bindings);
  }
  return result;
}

/** One expression alone keeps its type; in a longer text null becomes empty, lists and objects become JSON. */
async function evaluateText(text: string, bindings: Bindings): Promise<Json> {
  const template = parseTemplate(text);
  if (template.kind === 'text') return text;
  if (template.kind === 'broken') {
    throw new ApiError('expression-failed', `The text '${shorten(text)}' has a '\${{' without a '}}'`);
  }
  if (template.kind === 'value') return evaluate(template.source, bindings);
  let result = '';
  for (const part of template.parts) {
    result += typeof part === 'string' ? part : writeOut(await evaluate(part.source, bindings));
    if (result.length > MAX_PAYLOAD_BYTES) {
      throw new ApiError(
        'expression-failed',
        `The text '${shorten(text)}' grows beyond ${MAX_PAYLOAD_BYTES} characters`,
      );
    }
  }
  return result;
}

function writeOut(value: Json): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

async function load(source: string, timeoutMs?: number): Promise<Program> {
  const { makeProgram } = await import('./program.ts');
  return makeProgram(source, timeoutMs);
}

function lookUp(source: string): Compiled {
  const known = cache.get(source);
  if (known !== undefined) return known;
  const path = parsePlainPath(source);
  const compiled: Compiled = { path: path && FUNCTIONS.has(path.root) ? undefined : path };
  const [oldest] = cache.keys();
  if (cache.size >= CACHE_SIZE && oldest !== undefined) cache.delete(oldest);
  cache.set(source, compiled);
  return compiled;
}

function makeFailure(source: string, cause: unknown): ApiError {
  // The interpreter's message may quote the wrong value, which may be a secret.
  const reason = source.includes('$secrets') || !(cause instanceof Error) ? 'it cannot be evaluated' : cause.message;
  const text = `The expression '${shorten(source)}' failed: ${reason.slice(0, 500)}`;
  return new ApiError('expression-failed', text, { cause });
}

function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > MAX_QUOTED_CHARS ? `${line.slice(0, MAX_QUOTED_CHARS - 1)}…` : line;
}
