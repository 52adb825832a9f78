// What a flow uses of its tenant, known from its plan: the author of a flow gets nothing of it that was not granted. Who
// grants belongs to access/grants.ts.

import type { AuthoredKind } from './authored-kind.ts';
import type { Plan, PlanNode } from './plan.ts';

export const RESOURCES = ['secrets', 'plugins', 'flows', 'functions', 'models', 'knowledge'] as const;
export type Resource = (typeof RESOURCES)[number];

/** All of a resource, whatever its name. */
export const ANY = '*';

/** Names by resource; `*` is all of it. What is not listed is not granted. */
export type Grants = { [resource in Resource]?: string[] };

export interface Use {
  resource: Resource;
  /** `*`: the name is known only when the flow runs. */
  name: string;
  /** Path of the node, `group.inner`; undefined where the flow declares a secret that no node mentions. */
  node?: string;
}

type Kinds = Readonly<Record<string, AuthoredKind>>;

/** In the order of the nodes, secrets first. A flow may always run itself, so that is not listed. */
export function listUses(plan: Plan, kinds: Kinds): Use[] {
  const nodes = flatten(plan.nodes, '');
  const uses = nodes.flatMap(({ path, node }) =>
    findUses(node, kinds).map(({ resource, name }) => ({
      resource,
      name: resolveName(plan, resource, name),
      node: path,
    })),
  );
  return [...listSecrets(plan, nodes), ...uses].filter((it) => it.resource !== 'flows' || it.name !== plan.name);
}

/** What the grants leave out. */
export function findMissing(uses: readonly Use[], grants: Grants): Use[] {
  return uses.filter(({ resource, name }) => {
    const names = grants[resource] ?? [];
    return !names.includes(ANY) && (name === ANY || !names.includes(name));
  });
}

interface Placed {
  path: string;
  node: PlanNode;
}

function flatten(nodes: readonly PlanNode[], prefix: string): Placed[] {
  return nodes.flatMap((node) => {
    const path = `${prefix}${node.id}`;
    return [{ path, node }, ...flatten(node.nodes ?? [], `${path}.`)];
  });
}

function findUses({ type, with: source }: PlanNode, kinds: Kinds): Pick<Use, 'resource' | 'name'>[] {
  const kind = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  const plugin = kind?.pluginName?.(source);
  return [
    ...(plugin === undefined ? [] : [{ resource: 'plugins' as const, name: plugin }]),
    ...(kind?.uses?.(source) ?? []),
  ];
}

function resolveName({ models }: Plan, resource: Resource, name: string): string {
  if (name.includes('${{')) return ANY;
  const alias = resource === 'models' && Object.hasOwn(models, name) ? models[name] : undefined;
  return alias ? String(alias['use']) : name;
}

/** A run opens every secret that its flow declares. Which node mentions it is only for the reader of an error. */
function listSecrets({ secrets }: Plan, nodes: readonly Placed[]): Use[] {
  if (secrets.length === 0) return [];
  const texts = nodes.map(({ path, node: { nodes: _, ...node } }) => ({ path, text: JSON.stringify(node) }));
  return secrets.map((name) => {
    const mention = new RegExp(`\\b${name}\\b`);
    const node = texts.find(({ text }) => mention.test(text))?.path;
    return { resource: 'secrets', name, ...(node !== undefined && { node }) };
  });
}
