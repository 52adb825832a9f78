// Whether this deployment has the models that a flow names. A missing model may be configured later, so it is a warning,
// not an error.

import { isMap } from '../json.ts';
import type { Problems } from './problems.ts';
import type { Path } from './source.ts';

/** Why `provider/model` cannot be used; undefined where it can. */
export type ModelProblem = (use: string) => string | undefined;

export function checkModels(problems: Problems, value: Record<string, unknown>, findProblem: ModelProblem): void {
  for (const { use, path } of [...findAliases(value['models']), ...findInNodes(value['nodes'], ['nodes'])]) {
    const message = findProblem(use);
    if (message !== undefined) problems.warning(path, message);
  }
}

interface Named {
  use: string;
  path: Path;
}

function findAliases(models: unknown): Named[] {
  if (!isMap(models)) return [];
  return Object.entries(models).flatMap(([alias, model]): Named[] => {
    if (typeof model === 'string') return [{ use: model, path: ['models', alias] }];
    const use = isMap(model) ? model['use'] : undefined;
    return typeof use === 'string' ? [{ use, path: ['models', alias, 'use'] }] : [];
  });
}

/** `provider/model` in a node itself; an alias has no slash, and the value of an expression is known only in a run. */
function findInNodes(nodes: unknown, path: Path): Named[] {
  if (!isMap(nodes)) return [];
  return Object.entries(nodes).flatMap(([id, node]): Named[] => {
    const fields = isMap(node) ? node['with'] : undefined;
    if (!isMap(fields)) return [];
    const { model } = fields;
    const isNamed = typeof model === 'string' && model.includes('/') && !model.includes('${{');
    const own = isNamed ? [{ use: model, path: [...path, id, 'with', 'model'] }] : [];
    return [...own, ...findInNodes(fields['nodes'], [...path, id, 'with', 'nodes'])];
  });
}
