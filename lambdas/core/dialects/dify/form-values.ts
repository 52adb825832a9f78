// Values as Dify's forms send them: numbers, choices and objects may be texts, and an empty text is no value, except of a text.

import { ApiError } from '../../errors.ts';
import type { InputSpec } from '../../flow/plan.ts';
import type { Json } from '../../json.ts';
import { CONTROLS } from './form.ts';

const TRUE = ['true', '1', 'yes', 'on'];
const FALSE = ['false', '0', 'no', 'off'];

/** Null is no value. What does not fit stays as it is: the flow's own check refuses it. */
export function readFormValue(name: string, value: Json, { type, options }: InputSpec): Json {
  if (value === null) return null;
  if (type === 'string' || type === 'text') return requireText(name, value, CONTROLS[type]);
  if (typeof value !== 'string') return value;
  const text = value.trim();
  if (text === '' && !options?.includes(value)) return null;
  switch (type) {
    case 'number':
    case 'integer':
      return Number.isFinite(Number(text)) ? Number(text) : value;
    case 'boolean':
      if (TRUE.includes(text.toLowerCase())) return true;
      return FALSE.includes(text.toLowerCase()) ? false : value;
    case 'object':
    case 'array':
      return parseJson(text) ?? value;
    default:
      return value;
  }
}

function requireText(name: string, value: Json, control: string): Json {
  if (typeof value === 'string') return value;
  throw new ApiError('invalid-inputs', `(type '${control}') ${name} in input form must be a string`);
}

function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
