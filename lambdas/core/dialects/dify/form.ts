// The input form of an app: the control of each type of input.

import type { InputSpec } from '../../flow/plan.ts';
import { compact, type JsonObject } from '../../json.ts';

export const CONTROLS = {
  string: 'text-input',
  text: 'paragraph',
  enum: 'select',
  number: 'number',
  integer: 'number',
  boolean: 'checkbox',
  object: 'json_object',
  array: 'json_object',
  file: 'file',
  files: 'file-list',
} as const satisfies Record<InputSpec['type'], string>;

export function renderControl(name: string, spec: InputSpec): JsonObject {
  const field = compact({
    label: spec.title ?? name,
    variable: name,
    required: spec.required ?? false,
    default: spec.default ?? '',
    max_length: spec.maxLength,
    options: spec.options,
  });
  return { [CONTROLS[spec.type]]: field };
}
