// The typed inputs of a flow as an author declares them: which limits belong to which type, and that they fit together.

import { isMap } from '../json.ts';
import { MAX_SEARCHABLE_INPUTS } from '../limits.ts';
import { findValueProblems, isSearchable } from './input-values.ts';
import type { InputSpec, InputType } from './plan.ts';
import type { Problems } from './problems.ts';
import { type InputFields, inputShape } from './shapes.ts';
import { toZod } from './value-schema.ts';

type Limit =
  | 'options'
  | 'minLength'
  | 'maxLength'
  | 'min'
  | 'max'
  | 'pattern'
  | 'schema'
  | 'accept'
  | 'maxFiles'
  | 'maxSize';

const TEXT: readonly Limit[] = ['minLength', 'maxLength', 'pattern'];
const LIMITS: Record<InputType, readonly Limit[]> = {
  string: TEXT,
  text: TEXT,
  number: ['min', 'max'],
  integer: ['min', 'max'],
  boolean: [],
  enum: ['options'],
  object: ['schema'],
  array: ['schema', 'minLength', 'maxLength'],
  file: ['accept', 'maxSize'],
  files: ['accept', 'maxSize', 'maxFiles'],
};
const ALL_LIMITS = [...new Set(Object.values(LIMITS).flat())];
const ALIAS = /^[\w.-]{1,64}$/;

export function toInputSpec(fields: InputFields): InputSpec {
  const { maxSize, alias, ...rest } = fields;
  const present = Object.entries(rest).filter(([, value]) => value !== undefined);
  return {
    ...(Object.fromEntries(present) as Omit<InputSpec, 'alias'>),
    maxSizeBytes: maxSize,
    ...(alias !== undefined && { alias: [alias].flat() }),
  };
}

/** Reports what is wrong with the declarations beyond the shape of their fields. */
export async function checkInputs(problems: Problems, inputs: unknown): Promise<void> {
  if (!isMap(inputs)) return;
  const taken = new Set(Object.keys(inputs));
  let searchable = 0;
  for (const [name, value] of Object.entries(inputs)) {
    const parsed = inputShape.safeParse(value);
    if (!parsed.success) continue;
    await checkInput(problems, name, parsed.data);
    checkAliases(problems, taken, { name, fields: parsed.data });
    searchable += parsed.data.searchable ? 1 : 0;
    if (parsed.data.searchable && searchable === MAX_SEARCHABLE_INPUTS + 1) {
      problems.error(['inputs', name, 'searchable'], `a flow has at most ${MAX_SEARCHABLE_INPUTS} searchable inputs`);
    }
  }
}

async function checkInput(problems: Problems, name: string, fields: InputFields): Promise<void> {
  const path = ['inputs', name];
  for (const limit of ALL_LIMITS) {
    if (fields[limit] !== undefined && !LIMITS[fields.type].includes(limit)) {
      problems.error([...path, limit], `'${limit}' does not apply to an input of type ${fields.type}`, 'key');
    }
  }
  if (fields.type === 'enum' && !fields.options)
    problems.error(path, `input '${name}' of type enum needs options`, 'key');
  if (fields.searchable && !isSearchable(fields.type)) {
    problems.error([...path, 'searchable'], `an input of type ${fields.type} cannot be searchable`, 'key');
  }
  const isUsable = (await checkPattern(problems, path, fields.pattern)) && checkSchema(problems, path, fields.schema);
  if (!isUsable || fields.default === undefined || fields.default === null) return;
  for (const message of await findValueProblems(toInputSpec(fields), fields.default)) {
    problems.error([...path, 'default'], `the default of '${name}' ${message}`);
  }
}

function checkSchema(problems: Problems, path: string[], schema: InputFields['schema']): boolean {
  try {
    if (schema !== undefined) toZod(schema);
    return true;
  } catch (error) {
    problems.error([...path, 'schema'], error instanceof Error ? error.message : 'the schema cannot be used');
    return false;
  }
}

async function checkPattern(problems: Problems, path: string[], pattern: string | undefined): Promise<boolean> {
  if (pattern === undefined) return true;
  const { compileRegex } = await import('../expressions/regex.ts');
  try {
    compileRegex(pattern, '');
    return true;
  } catch (error) {
    problems.error([...path, 'pattern'], error instanceof Error ? error.message : 'the regex cannot be used');
    return false;
  }
}

function checkAliases(problems: Problems, taken: Set<string>, input: { name: string; fields: InputFields }): void {
  for (const alias of [input.fields.alias ?? []].flat()) {
    const path = ['inputs', input.name, 'alias'];
    if (!ALIAS.test(alias))
      problems.error(path, `'${alias}' is not a valid alias: use letters, digits, _ . and -, at most 64`);
    else if (taken.has(alias)) problems.error(path, `'${alias}' is the name of two inputs`);
    taken.add(alias);
  }
}
