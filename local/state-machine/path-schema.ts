// The shapes of paths and payload templates in a definition: what cannot be read later is refused when it is loaded.

import { z } from 'zod';
import { isPath, type Json } from './path.ts';

export const path = z.string().refine(isPath, 'is not a path that is supported here');

/** Where a result is put: a path into the state's input, never into the context object. */
export const inputPath = path.refine((text) => !text.startsWith('$$'), 'must be a path into the input');

export const template = z.json().superRefine((value, context) => {
  for (const problem of findProblems(value, [])) context.addIssue({ code: 'custom', ...problem });
});

function findProblems(value: Json, at: string[]): { path: string[]; message: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => {
    if (!name.endsWith('.$')) return findProblems(inner, [...at, name]);
    if (typeof inner === 'string' && isPath(inner)) return [];
    return [{ path: [...at, name], message: 'is not a path that is supported here' }];
  });
}
