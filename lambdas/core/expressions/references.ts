// What an expression mentions, known before anything runs: edges, inputs, secrets.

import { NAMED_ROOTS, ROOTS } from './names.ts';
import type { PlainPath } from './path.ts';

/**
 * `roots` without their `$`; the sets hold the literal names that follow `$inputs`, `$nodes`, ..., and `fields` those of
 * outputs: `a.b` of `$nodes.a.b`.
 */
export interface References {
  roots: Set<string>;
  inputs: Set<string>;
  nodes: Set<string>;
  status: Set<string>;
  errors: Set<string>;
  secrets: Set<string>;
  env: Set<string>;
  fields: Set<string>;
}

export function makeReferences(): References {
  return {
    roots: new Set(),
    inputs: new Set(),
    nodes: new Set(),
    status: new Set(),
    errors: new Set(),
    secrets: new Set(),
    env: new Set(),
    fields: new Set(),
  };
}

/** What follows the root, as far as it is known. */
type Names = readonly (string | undefined)[];

/** Records `$root.name.field`. Returns a message where the root needs a literal name and there is none. */
export function noteReference(references: References, root: string, [name, field]: Names): string | undefined {
  references.roots.add(root);
  if (name !== undefined) {
    if (root in references && root !== 'roots' && root !== 'fields')
      references[root as Exclude<keyof References, 'roots'>].add(name);
    if (root === 'nodes' && field !== undefined) references.fields.add(`${name}.${field}`);
    return undefined;
  }
  return NAMED_ROOTS.has(root) ? `$${root} must be followed by a name: $${root}.name` : undefined;
}

/** The references of a plain path; undefined where its root is unknown or needs a name. */
export function readPathReferences({ root, names }: PlainPath): References | undefined {
  if (!(ROOTS as readonly string[]).includes(root)) return undefined;
  const references = makeReferences();
  return noteReference(references, root, names) === undefined ? references : undefined;
}
