// What a node mentions: checks that it exists and may be mentioned there, and finds the nodes that it must wait for.

import { findReferences } from '../expressions/compile.ts';
import type { References } from '../expressions/references.ts';
import { isMap } from '../json.ts';
import { suggest } from '../parse/suggest.ts';
import {
  type BrokenSite,
  contextInside,
  type ExpressionContext,
  findModifierSites,
  findWithSites,
  type LocalRoot,
  type Site,
} from './expression-sites.ts';
import type { Problems } from './problems.ts';
import type { Draft, Scope } from './scope.ts';
import type { Path } from './source.ts';

const MAX_LISTED = 20;

/** What the flow declares, and expressions may mention. */
interface Declared {
  inputs: readonly string[];
  env: readonly string[];
  secrets: readonly string[];
  plugins: readonly string[];
}

export interface Checking {
  problems: Problems;
  declared: Declared;
}

/** Ids of a scope that something mentions; `errorsOnly` are mentioned for their error or status alone. */
export interface Mentions {
  own: Set<string>;
  errorsOnly: Set<string>;
  /** Ids of scopes further out. */
  outer: Set<string>;
}

/** What a node mentions, including the nodes inside it. */
export async function findMentions(checking: Checking, scope: Scope, draft: Draft): Promise<Mentions> {
  const { kind, fields, path, written, inside } = draft;
  const inner: ExpressionContext = contextInside(fields, scope.context);
  const mentions: Mentions = { own: new Set(), errorsOnly: new Set(), outer: new Set() };
  const withSites = findWithSites(kind, written, { path: [...path, 'with'], context: inner });
  const sites = [
    ...findModifierSites(fields, path, scope.context),
    ...withSites.map((site) => (inside ? { ...site, inside: true } : site)),
    ...findRawMentions(draft, inner),
  ];
  for (const site of sites) {
    const isInside = inside !== undefined && 'inside' in site && site.inside === true;
    const found = await checkSite(checking, isInside ? inside : scope, site);
    if (found && isInside) addFromInside(mentions, found.outer, scope);
    else if (found) addAll(mentions, found);
  }
  checkSecretNames(checking, draft);
  checkPluginName(checking, draft);
  return mentions;
}

/** A group waits for every node outside it that its inner nodes mention, in its own scope or further out. */
export function addFromInside(mentions: Mentions, ids: Iterable<string>, scope: Scope): void {
  for (const id of ids) (scope.ids.has(id) ? mentions.own : mentions.outer).add(id);
}

function addAll(mentions: Mentions, found: Mentions): void {
  for (const field of ['own', 'errorsOnly', 'outer'] as const) {
    for (const id of found[field]) mentions[field].add(id);
  }
}

/** What expressions in `outputs` of the flow mention. */
export async function checkOutputs(
  checking: Checking,
  scope: Scope,
  sites: readonly (Site | BrokenSite)[],
): Promise<void> {
  for (const site of sites) await checkSite(checking, scope, site);
}

async function checkSite(checking: Checking, scope: Scope, site: Site | BrokenSite): Promise<Mentions | undefined> {
  const { problems } = checking;
  if ('broken' in site) {
    problems.error(site.path, "a '${{' is never closed with '}}'");
    return undefined;
  }
  try {
    const found = await findReferences(site.expression);
    return checkReferences(checking, scope, { site, found });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    problems.expression(site.path, site.expression, error.message);
    return undefined;
  }
}

interface Place {
  site: Site;
  found: References;
}

function checkReferences(checking: Checking, scope: Scope, { site, found }: Place): Mentions {
  const wrong = (message: string) => checking.problems.expression(site.path, site.expression, message);
  const problems = [...findLocalProblems({ site, found }), ...findNameProblems(checking.declared, found)];
  for (const message of [...problems, ...findFieldProblems(scope, found)]) wrong(message);
  const mentions: Mentions = { own: new Set(), errorsOnly: new Set(), outer: new Set() };
  for (const id of new Set([...found.nodes, ...found.status, ...found.errors])) {
    const where = findNode(scope, id);
    if (where === undefined) wrong(describeUnknownNode(scope, id));
    else if (where !== scope) mentions.outer.add(id);
    else (found.nodes.has(id) ? mentions.own : mentions.errorsOnly).add(id);
  }
  return mentions;
}

function findLocalProblems({ site, found }: Place): string[] {
  return [...found.roots].flatMap((root) => {
    const isItem = root === 'item' || root === 'index';
    const reason = (isItem && site.noItem) || LOCAL_ROOTS.get(root as LocalRoot);
    return reason === undefined || site.locals.includes(root as LocalRoot) ? [] : [`$${root} ${reason}`];
  });
}

function findFieldProblems(scope: Scope, { fields }: References): string[] {
  return [...fields].flatMap((mentioned) => {
    const [id = '', ...rest] = mentioned.split('.');
    const field = rest.join('.');
    const draft = findNode(scope, id)?.drafts.get(id);
    const known = draft && listOutputFields(draft);
    if (known === undefined || known.includes(field)) return [];
    const meant = suggest(field, known) || ` (it has: ${known.slice(0, MAX_LISTED).join(', ') || 'none'})`;
    return [`node '${id}' has no field '${field}'${meant}`];
  });
}

/** Undefined where the output may have any: it is computed, or a default takes its place. */
function listOutputFields({ fields, kind, with: source }: Draft): string[] | undefined {
  const { output, onError, each } = fields;
  const hasDefault = typeof onError === 'object' || (typeof each === 'object' && typeof each.onItemError === 'object');
  if (hasDefault || source === undefined) return undefined;
  if (output !== undefined) return isMap(output) ? Object.keys(output) : undefined;
  return kind.resultFields?.(source);
}

const DECLARED = { inputs: 'input', env: 'env value', secrets: 'secret' } as const;

function findNameProblems(declared: Declared, found: References): string[] {
  return (Object.keys(DECLARED) as (keyof typeof DECLARED)[]).flatMap((field) =>
    [...found[field]]
      .filter((name) => !declared[field].includes(name))
      .map((name) => `unknown ${DECLARED[field]} '${name}'${suggest(name, declared[field])}`),
  );
}

const LOCAL_ROOTS: ReadonlyMap<LocalRoot, string> = new Map([
  ['item', 'exists only in a node with each, or inside a group that has one'],
  ['index', 'exists only in a node with each, or inside a group that has each or repeat'],
  ['vars', 'exists only inside a group with repeat'],
  ['result', 'exists only in output, repeat.until and repeat.next'],
  ['error', 'exists only in onError.output and each.onItemError.output'],
  ['callback', 'exists only in nodes that wait for a callback'],
  ['secrets', 'is not allowed here: use secrets only in fields that the node sends'],
  ['args', 'exists only in the actions of a plugin'],
  ['credentials', 'exists only in the actions of a plugin'],
]);

/** Mentions outside of `${{ }}`: those of a template's text. */
function findRawMentions({ kind, path, with: source }: Draft, context: ExpressionContext): Site[] {
  if (source === undefined) return [];
  const found = kind.mentions?.(source) ?? [];
  const names: LocalRoot[] = [
    ...(context.item ? (['item', 'index'] as const) : []),
    ...(context.vars ? (['vars'] as const) : []),
  ];
  return found.map((expression) => ({ expression, path: locateRawField(path, kind.rawFields), locals: names }));
}

function locateRawField(path: Path, rawFields: readonly string[] = []): Path {
  const [only] = rawFields;
  return only === undefined ? [...path, 'with'] : [...path, 'with', only];
}

function checkSecretNames({ problems, declared }: Checking, { kind, path, with: source }: Draft): void {
  const names = source === undefined ? [] : (kind.secretNames?.(source) ?? []);
  for (const name of names) {
    if (declared.secrets.includes(name)) continue;
    const meant = suggest(name, declared.secrets) || ' (list it in `secrets` of the flow)';
    problems.expression([...path, 'with'], name, `unknown secret '${name}'${meant}`);
  }
}

function checkPluginName({ problems, declared }: Checking, { kind, path, with: source }: Draft): void {
  const name = source === undefined ? undefined : kind.pluginName?.(source);
  if (name === undefined || declared.plugins.includes(name)) return;
  const meant = suggest(name, declared.plugins) || ' (declare it in `plugins` of the flow)';
  problems.error([...path, 'with', 'plugin'], `unknown plugin '${name}'${meant}`);
}

function findNode(scope: Scope, id: string): Scope | undefined {
  for (let at: Scope | undefined = scope; at; at = at.outer?.scope) {
    if (at.ids.has(id)) return at;
  }
  return undefined;
}

function describeUnknownNode(scope: Scope, id: string): string {
  const visible: string[] = [];
  let top = scope;
  for (let at: Scope | undefined = scope; at; at = at.outer?.scope) {
    visible.push(...at.ids);
    top = at;
  }
  const group = findGroup(top, id);
  if (group !== undefined) return `node '${id}' cannot be mentioned here: it is inside group '${group}'`;
  return `unknown node '${id}'${suggest(id, visible)}`;
}

function findGroup(scope: Scope, id: string): string | undefined {
  for (const draft of scope.drafts.values()) {
    if (draft.inside?.ids.has(id)) return draft.id;
    const deeper = draft.inside && findGroup(draft.inside, id);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
