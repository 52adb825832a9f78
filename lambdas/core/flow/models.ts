// Whether the models that a flow names can be asked where it is published. What is missing there may be added later, so
// it is a warning, not an error.

import type { Problems } from './problems.ts';
import { isMap } from './scope.ts';
import type { Path } from './source.ts';

/** Why `provider/model` cannot be asked; undefined where it can. */
export type ModelProblem = (use: string) => string | undefined;

export function checkModels(problems: Problems, value: Record<string, unknown>, problemOf: ModelProblem): void {
  for (const { use, path } of [...aliases(value['models']), ...inNodes(value['nodes'], ['nodes'])]) {
    const message = problemOf(use);
    if (message !== undefined) problems.warning(path, message);
  }
}

interface Named {
  use: string;
  path: Path;
}

function aliases(models: unknown): Named[] {
  if (!isMap(models)) return [];
  return Object.entries(models).flatMap(([alias, model]): Named[] => {
    if (typeof model === 'string') return [{ use: model, path: ['models', alias] }];
    const use = isMap(model) ? model['use'] : undefined;
    return typeof use === 'string' ? [{ use, path: ['models', alias, 'use'] }] : [];
  });
}

/** `provider/model` written in a node itself; an alias has no slash, an expression shows only when the flow runs. */
function inNodes(nodes: unknown, path: Path): Named[] {
  if (!isMap(nodes)) return [];
  return Object.entries(nodes).flatMap(([id, node]): Named[] => {
    const given = isMap(node) ? node['with'] : undefined;
    if (!isMap(given)) return [];
    const { model } = given;
    const isNamed = typeof model === 'string' && model.includes('/') && !model.includes('${{');
    const own = isNamed ? [{ use: model, path: [...path, id, 'with', 'model'] }] : [];
    return [...own, ...inNodes(given['nodes'], [...path, id, 'with', 'nodes'])];
  });
}
