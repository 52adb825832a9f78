// Payload templates: Parameters and ResultSelector, whose `name.$` fields are read from a path.

import { type Json, readPath, type Scope } from './path.ts';

export function fillTemplate(template: Json, scope: Scope): Json {
  if (Array.isArray(template)) return template.map((item) => fillTemplate(item, scope));
  if (typeof template !== 'object' || template === null) return template;
  return Object.fromEntries(
    Object.entries(template).map(([name, value]) =>
      name.endsWith('.$') ? [name.slice(0, -2), readPath(String(value), scope)] : [name, fillTemplate(value, scope)],
    ),
  );
}
