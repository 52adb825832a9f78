// Reads the nodes of a scope (the flow, or a group) field by field. What they mention of each other belongs to mentions.ts.

import { isMap, type JsonObject } from '../json.ts';
import { MAX_NESTING, MAX_NODES } from '../limits.ts';
import { suggest } from '../parse/suggest.ts';
import type { AuthoredKind } from './authored-kind.ts';
import { contextInside, type ExpressionContext } from './expression-sites.ts';
import { ID, ID_RULE } from './fields.ts';
import { parseField } from './parse-field.ts';
import type { Problems } from './problems.ts';
import { type NodeFields, nodeShape } from './shapes.ts';
import type { Path } from './source.ts';

export interface Scope {
  /** Of the map of nodes. */
  path: Path;
  /** All ids in the source, also of nodes that could not be read. */
  ids: ReadonlySet<string>;
  drafts: Map<string, Draft>;
  /** The scope around the group, and the group. */
  outer?: { scope: Scope; group: string };
  context: ExpressionContext;
  /** Inside an `each`, at any depth. */
  isRepeated: boolean;
  depth: number;
}

/** A node in the source, as far as its fields could be read. */
export interface Draft {
  id: string;
  path: Path;
  fields: NodeFields;
  kind: AuthoredKind;
  /** `with` as the kind parses it; absent where it has problems. */
  with?: JsonObject;
  /** `with` as written, without a group's `nodes`. */
  written: Record<string, unknown>;
  inside?: Scope;
}

export interface Reading {
  kinds: Readonly<Record<string, AuthoredKind>>;
  problems: Problems;
  /** Nodes of all scopes. */
  count: number;
}

export type ScopeContext = Pick<Scope, 'outer' | 'context' | 'isRepeated' | 'depth'>;

const GROUP = 'group';

export function readScope(reading: Reading, nodes: Record<string, unknown>, at: { path: Path } & ScopeContext): Scope {
  const scope: Scope = { ...at, ids: new Set(Object.keys(nodes)), drafts: new Map() };
  for (const [id, value] of Object.entries(nodes)) {
    reading.count += 1;
    if (reading.count > MAX_NODES) {
      reading.problems.error([...at.path, id], `a flow has at most ${MAX_NODES} nodes`, 'key');
      break;
    }
    const draft = isFreeId(reading, scope, id) ? readNode(reading, scope, { id, value }) : undefined;
    if (draft) scope.drafts.set(id, draft);
  }
  return scope;
}

function isFreeId({ problems }: Reading, scope: Scope, id: string): boolean {
  const path = [...scope.path, id];
  if (!ID.test(id)) {
    problems.error(path, `'${id}' ${ID_RULE}`, 'key');
    return false;
  }
  for (let outer = scope.outer; outer; outer = outer.scope.outer) {
    if (!outer.scope.ids.has(id)) continue;
    problems.error(path, `a node outside this group has the id '${id}' already: choose another id`, 'key');
    return false;
  }
  return true;
}

function readNode(reading: Reading, scope: Scope, { id, value }: { id: string; value: unknown }): Draft | undefined {
  const { problems, kinds } = reading;
  const path = [...scope.path, id];
  const fields = parseField(problems, { schema: nodeShape, value, path });
  const type = (value as { type?: unknown } | null)?.type;
  if (typeof type === 'string' && !Object.hasOwn(kinds, type)) {
    const known = Object.keys(kinds);
    const meant = suggest(type, known) || ` (known: ${known.join(', ')})`;
    problems.error([...path, 'type'], `unknown node type '${type}'${meant}`);
    return undefined;
  }
  const kind = fields && kinds[fields.type];
  if (!kind) return undefined;
  checkModifiers(problems, { path, fields, isGroup: fields.type === GROUP });
  const draft: Draft = { id, path, fields, kind, ...readWith(reading, { path, fields, kind }) };
  if (kind.interactive && (scope.isRepeated || fields.each)) {
    problems.error(path, `node '${id}' talks to the end user: this is not allowed inside each`, 'key');
  }
  const nodes = fields.type === GROUP ? fields.with?.['nodes'] : undefined;
  if (isMap(nodes)) draft.inside = readInside(reading, { scope, draft, nodes });
  return draft;
}

function readWith({ problems }: Reading, { path, fields, kind }: Pick<Draft, 'path' | 'fields' | 'kind'>) {
  const { nodes, ...written } = fields.with ?? {};
  const isGroup = fields.type === GROUP;
  const value = fields.with ?? {};
  const parsed = parseField(problems, { schema: kind.with, value, path: [...path, 'with'], label: 'with' });
  if (!isMap(parsed)) return { written: isGroup ? written : value };
  const { nodes: _, ...rest } = parsed;
  // A copy, so that values which aliases share in the source are separate objects, and only JSON is left.
  const plain = JSON.parse(JSON.stringify(isGroup ? rest : parsed)) as JsonObject;
  return { with: plain, written: isGroup ? written : value };
}

function readInside(reading: Reading, inner: { scope: Scope; draft: Draft; nodes: Record<string, unknown> }): Scope {
  const { scope, draft, nodes } = inner;
  const path = [...draft.path, 'with', 'nodes'];
  const depth = scope.depth + 1;
  if (depth > MAX_NESTING) {
    reading.problems.error(path, `groups are nested at most ${MAX_NESTING} deep`);
    return { ...scope, ids: new Set(Object.keys(nodes)), drafts: new Map() };
  }
  return readScope(reading, nodes, {
    path,
    depth,
    outer: { scope, group: draft.id },
    context: contextInside(draft.fields, scope.context),
    isRepeated: scope.isRepeated || draft.fields.each !== undefined,
  });
}

function checkModifiers(problems: Problems, node: { path: Path; fields: NodeFields; isGroup: boolean }): void {
  const { path, fields, isGroup } = node;
  if (!isGroup && fields.repeat) problems.error([...path, 'repeat'], 'only a group can repeat', 'key');
  // The nodes of a group have their own; one on the group would have no effect.
  for (const field of ['timeout', 'retry'] as const) {
    if (isGroup && fields[field] !== undefined) {
      problems.error([...path, field], `a group cannot have ${field}: set it on its nodes`, 'key');
    }
  }
}
