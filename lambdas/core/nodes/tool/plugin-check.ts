// Checks a plugin beyond the shape of its fields: what its expressions mention, and the inputs of its actions.

import { ApiError, type ErrorDetail } from '../../errors.ts';
import { findReferences } from '../../expressions/compile.ts';
import { findExpressions } from '../../expressions/template.ts';
import { checkInputs } from '../../flow/input-specs.ts';
import type { Problems } from '../../flow/problems.ts';
import type { Json, JsonObject } from '../../json.ts';
import type { Credentials } from '../../run.ts';
import type { PluginDefinition } from './plugin.ts';

const IN_REQUEST = ['args', 'credentials', 'run'];
const IN_OUTPUT = ['args', 'result', 'run'];

/** Throws ApiError('invalid-request') that names every wrong field. `credentials`: those in the same request. */
export async function checkPlugin(plugin: PluginDefinition, credentials: Credentials | undefined): Promise<void> {
  const details: ErrorDetail[] = findCredentialProblems(plugin, credentials);
  for (const [name, { input, output, title, description, ...request }] of Object.entries(plugin.actions)) {
    const at = `actions.${name}`;
    await checkInputs(collectProblems(details, at), input);
    await checkExpressions(details, { value: request as Json, at, roots: IN_REQUEST });
    if (output !== undefined) await checkExpressions(details, { value: output, at: `${at}.output`, roots: IN_OUTPUT });
  }
  const [first] = details;
  if (first) throw new ApiError('invalid-request', `${first.field} ${first.message}`, { details });
}

function findCredentialProblems(
  { auth, fields = [] }: PluginDefinition,
  credentials: Credentials | undefined,
): ErrorDetail[] {
  if (auth === 'none' && fields.length > 0) return [{ field: 'fields', message: "are not used when auth is 'none'" }];
  if (auth !== 'platform' && credentials) {
    return [{ field: 'credentials', message: "are allowed only when auth is 'platform'" }];
  }
  const unknown = Object.keys(credentials ?? {}).filter((name) => !fields.includes(name));
  const missing = credentials ? fields.filter((name) => !Object.hasOwn(credentials, name)) : [];
  return [
    ...unknown.map((name) => ({ field: `credentials.${name}`, message: 'is not one of `fields`' })),
    ...missing.map((name) => ({ field: `credentials.${name}`, message: 'is required' })),
  ];
}

interface Place {
  value: Json;
  at: string;
  roots: readonly string[];
}

async function checkExpressions(details: ErrorDetail[], { value, at, roots }: Place): Promise<void> {
  if (typeof value === 'string') return checkText(details, { value, at, roots });
  if (typeof value !== 'object' || value === null) return;
  for (const [key, item] of Object.entries(value as JsonObject)) {
    await checkExpressions(details, {
      value: item,
      at: Array.isArray(value) ? `${at}[${key}]` : `${at}.${key}`,
      roots,
    });
  }
}

async function checkText(details: ErrorDetail[], { value, at, roots }: Place & { value: string }): Promise<void> {
  const found = findExpressions(value);
  if (found === undefined) details.push({ field: at, message: "has a '${{' that is never closed with '}}'" });
  for (const { source } of found ?? []) {
    try {
      const others = [...(await findReferences(source)).roots].filter((root) => !roots.includes(root));
      details.push(
        ...others.map((root) => ({
          field: at,
          message: `mentions $${root}: only ${roots.map((it) => `$${it}`).join(', ')} are available here`,
        })),
      );
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      details.push({ field: at, message: error.message });
    }
  }
}

/** Problems by field, since a plugin has no source text. */
function collectProblems(details: ErrorDetail[], at: string): Problems {
  const add = (path: readonly (string | number)[], message: string) => {
    const [, ...rest] = path;
    details.push({ field: [`${at}.input`, ...rest].join('.'), message });
  };
  return {
    error: add,
    warning: () => undefined,
    expression: (path, _, message) => add(path, message),
    errorAt: (path, _, message) => add(path, message),
    hasErrors: () => details.length > 0,
    list: () => [],
  };
}
