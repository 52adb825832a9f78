// Whether the flows exist that a flow runs. One may be published later, so that is a warning, not an error.

import type { Problems } from './problems.ts';
import type { Scope } from './scope.ts';

export type HasFlow = (name: string) => Promise<boolean>;

export async function checkSubFlows(problems: Problems, scope: Scope, hasFlow: HasFlow): Promise<void> {
  for (const { kind, path, with: source, inside } of scope.drafts.values()) {
    if (inside) await checkSubFlows(problems, inside, hasFlow);
    const name = source === undefined ? undefined : kind.flowName?.(source);
    if (name === undefined || (await hasFlow(name))) continue;
    problems.warning([...path, 'with', 'name'], `there is no flow '${name}': the node will fail as flow-not-found`);
  }
}
