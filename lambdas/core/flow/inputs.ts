// The inputs of a run: checked against what the flow declares and completed with its defaults. Describes them to callers
// as a list and as JSON Schema.

import { ApiError, type ErrorDetail } from '../errors.ts';
import { compact, type Json, type JsonObject } from '../json.ts';
import { suggest } from '../parse/suggest.ts';
import { findValueProblems, isSearchable } from './input-values.ts';
import type { InputSpec, Plan } from './plan.ts';

type Specs = Record<string, InputSpec>;

/** Values by the inputs' own names, with defaults. Throws ApiError('invalid-inputs') that names every wrong field. */
export async function validateInputs(specs: Specs, values: unknown): Promise<JsonObject> {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw makeInvalidInputs([{ field: 'inputs', message: 'must be an object' }]);
  }
  const details: ErrorDetail[] = [];
  const named = matchNames(specs, values as JsonObject, details);
  const inputs: JsonObject = {};
  for (const [name, spec] of Object.entries(specs)) {
    const value = named.get(name)?.value ?? spec.default ?? null;
    if (value !== null) {
      const field = `inputs.${named.get(name)?.as ?? name}`;
      const wrong = await findValueProblems(spec, value);
      details.push(...wrong.map((message) => ({ field, message })));
      inputs[name] = value;
    } else if (spec.required) details.push({ field: `inputs.${name}`, message: 'is required' });
  }
  if (details.length > 0) throw makeInvalidInputs(details);
  return inputs;
}

/** Null counts as absent. */
function matchNames(
  specs: Specs,
  values: JsonObject,
  details: ErrorDetail[],
): Map<string, { value: Json; as: string }> {
  const names = new Map<string, string>();
  for (const [name, { alias = [] }] of Object.entries(specs)) for (const own of [name, ...alias]) names.set(own, name);
  const named = new Map<string, { value: Json; as: string }>();
  for (const [as, value] of Object.entries(values)) {
    const name = names.get(as);
    if (name === undefined) {
      details.push({ field: `inputs.${as}`, message: `is not an input of this flow${suggest(as, names.keys())}` });
    } else if (value !== null && named.has(name)) {
      details.push({ field: `inputs.${as}`, message: `is a duplicate: ${named.get(name)?.as} is the same input` });
    } else if (value !== null) named.set(name, { value, as });
  }
  return named;
}

/** A value that a vendor's clients always send. The first input that has one of the names, or an alias of it, takes it. */
export interface Offer {
  names: readonly string[];
  value: Json | ((spec: InputSpec) => Json);
  /** Refused, like any unknown input, where no input takes it. */
  isNeeded?: boolean;
}

/** The values, and those offers that an input takes and the caller did not set; other offers are dropped. */
export function withOffers(specs: Specs, values: unknown, offers: readonly Offer[]): unknown {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return values;
  const all: JsonObject = { ...(values as JsonObject) };
  for (const offer of offers) Object.assign(all, fillOffer(specs, all, offer));
  return all;
}

function fillOffer(specs: Specs, values: JsonObject, { names, value, isNeeded }: Offer): JsonObject {
  const taker = names.map((name) => findInput(specs, name)).find((it) => it !== undefined);
  if (taker === undefined) return isNeeded ? { [names[0] ?? '']: null } : {};
  const { name, spec } = taker;
  if ([name, ...(spec.alias ?? [])].some((own) => own in values)) return {};
  return { [name]: typeof value === 'function' ? value(spec) : value };
}

function findInput(specs: Specs, called: string): { name: string; spec: InputSpec } | undefined {
  const found = Object.entries(specs).find(([name, { alias = [] }]) => name === called || alias.includes(called));
  return found && { name: found[0], spec: found[1] };
}

const MAX_LISTED_PROBLEMS = 3;

function makeInvalidInputs(details: ErrorDetail[]): ApiError {
  const listed = details.slice(0, MAX_LISTED_PROBLEMS).map(({ field, message }) => `${field} ${message}`);
  const more = details.length > MAX_LISTED_PROBLEMS ? ` (and ${details.length - MAX_LISTED_PROBLEMS} more)` : '';
  return new ApiError('invalid-inputs', `${listed.join('; ')}${more}`, { details });
}

/** Values of the inputs marked `searchable`, as text. */
export function searchableValues(specs: Specs, inputs: JsonObject): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, { searchable, type }] of Object.entries(specs)) {
    const value = inputs[name];
    if (searchable && isSearchable(type) && value !== undefined && value !== null) found[name] = String(value);
  }
  return found;
}

export interface Parameters {
  name: string;
  title?: string;
  description?: string;
  /** In the order of the source. Hidden ones are left out: they are set by programs, not asked for. */
  inputs: ({ name: string } & InputSpec)[];
  schema: JsonObject;
  outputs: { name: string; type?: string; title?: string }[];
}

export function listParameters(plan: Plan): Parameters {
  const outputs =
    typeof plan.outputs['expression'] === 'string'
      ? {}
      : (plan.outputs as Exclude<Plan['outputs'], { expression: string }>);
  return {
    name: plan.name,
    title: plan.title,
    description: plan.description,
    inputs: Object.entries(plan.inputs)
      .filter(([, spec]) => !spec.hidden)
      .map(([name, spec]) => ({ name, ...spec })),
    schema: inputSchema(plan),
    outputs: Object.entries(outputs).map(([name, { type, title }]) => ({
      name,
      type,
      title,
    })),
  };
}

const FILE_SCHEMA: JsonObject = {
  type: 'object',
  properties: {
    url: { type: 'string', format: 'uri' },
    id: { type: 'string' },
    name: { type: 'string' },
    type: { type: 'string' },
    size: { type: 'integer', minimum: 0 },
  },
  oneOf: [{ required: ['url'] }, { required: ['id'] }],
  additionalProperties: false,
};

/** JSON Schema of the inputs of a run, by their own names. */
export function inputSchema(plan: Pick<Plan, 'inputs'>): JsonObject {
  const specs = Object.entries(plan.inputs);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: Object.fromEntries(specs.map(([name, spec]) => [name, buildFieldSchema(spec)])),
    required: specs.filter(([, spec]) => spec.required && spec.default === undefined).map(([name]) => name),
    additionalProperties: false,
  };
}

function buildFieldSchema(spec: InputSpec): JsonObject {
  const { title, description, default: fallback } = spec;
  return { ...buildTypeSchema(spec), ...compact({ title, description, default: fallback }) };
}

function buildTypeSchema(spec: InputSpec): JsonObject {
  const { type, minLength, maxLength, min, max, pattern, maxFiles } = spec;
  switch (type) {
    case 'string':
    case 'text':
      return compact({ type: 'string', minLength, maxLength, pattern });
    case 'number':
    case 'integer':
      return compact({ type, minimum: min, maximum: max });
    case 'boolean':
      return { type };
    case 'enum':
      return { enum: spec.options ?? [] };
    case 'object':
      return { ...spec.schema, type };
    case 'array':
      return compact({ ...spec.schema, type, minItems: minLength, maxItems: maxLength });
    case 'file':
      return FILE_SCHEMA;
    case 'files':
      return compact({ type: 'array', items: FILE_SCHEMA, maxItems: maxFiles });
  }
}
