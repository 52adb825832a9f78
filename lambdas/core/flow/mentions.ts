// What a node mentions: checks that it exists and may be mentioned there, and gives the nodes that it must wait for.

import { references } from '../expressions/compile.ts';
import type { References } from '../expressions/references.ts';
import { didYouMean } from '../parse/suggest.ts';
import {
  type BrokenSite,
  type LocalRoot,
  type Site,
  type Surroundings,
  scopeInside,
  sitesOfModifiers,
  sitesOfWith,
} from './expression-sites.ts';
import type { Problems } from './problems.ts';
import type { Draft, Scope } from './scope.ts';
import type { Path } from './source.ts';

/** What the flow declares for expressions to mention. */
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

/** Mentions of a node, of the nodes inside it included. */
export async function findMentions(checking: Checking, scope: Scope, draft: Draft): Promise<Mentions> {
  const { kind, fields, path, written, inside } = draft;
  const locals: Surroundings = scopeInside(fields, scope.around);
  const mentions: Mentions = { own: new Set(), errorsOnly: new Set(), outer: new Set() };
  const within = sitesOfWith(kind, written, { path: [...path, 'with'], locals });
  const sites = [
    ...sitesOfModifiers(fields, path, scope.around),
    ...within.map((site) => (inside ? { ...site, inside: true } : site)),
    ...otherMentions(draft, locals),
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

/** What the inside of a group mentions further out, the group waits for: in its own scope or beyond. */
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
    const found = await references(site.expression);
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
  for (const message of [...localProblems({ site, found }), ...nameProblems(checking.declared, found)]) wrong(message);
  const mentions: Mentions = { own: new Set(), errorsOnly: new Set(), outer: new Set() };
  for (const id of new Set([...found.nodes, ...found.status, ...found.errors])) {
    const where = findNode(scope, id);
    if (where === undefined) wrong(unknownNode(scope, id));
    else if (where !== scope) mentions.outer.add(id);
    else (found.nodes.has(id) ? mentions.own : mentions.errorsOnly).add(id);
  }
  return mentions;
}

function localProblems({ site, found }: Place): string[] {
  return [...found.roots].flatMap((root) => {
    const reason = LOCAL_ROOTS.get(root as LocalRoot);
    return reason === undefined || site.locals.includes(root as LocalRoot) ? [] : [`$${root} ${reason}`];
  });
}

const DECLARED = { inputs: 'input', env: 'env value', secrets: 'secret' } as const;

function nameProblems(declared: Declared, found: References): string[] {
  return (Object.keys(DECLARED) as (keyof typeof DECLARED)[]).flatMap((field) =>
    [...found[field]]
      .filter((name) => !declared[field].includes(name))
      .map((name) => `no ${DECLARED[field]} '${name}'${didYouMean(name, declared[field])}`),
  );
}

const LOCAL_ROOTS: ReadonlyMap<LocalRoot, string> = new Map([
  ['item', 'exists only in a node with each, or inside a group that has one'],
  ['index', 'exists only in a node with each, or inside a group that has each or repeat'],
  ['vars', 'exists only inside a group with repeat'],
  ['result', 'exists only in output, repeat.until and repeat.next'],
  ['error', 'exists only in onError.output'],
  ['callback', 'exists only in nodes that wait to be called'],
  ['secrets', 'may not stand here: a secret goes only into the fields of a node that send it'],
  ['args', 'exists only in the actions of a plugin'],
  ['credentials', 'exists only in the actions of a plugin'],
]);

/** Mentions that are no expressions: those of a template's text. */
function otherMentions({ kind, path, with: source }: Draft, locals: Surroundings): Site[] {
  if (source === undefined) return [];
  const found = kind.mentions?.(source) ?? [];
  const names: LocalRoot[] = [
    ...(locals.item ? (['item', 'index'] as const) : []),
    ...(locals.vars ? (['vars'] as const) : []),
  ];
  return found.map((expression) => ({ expression, path: fieldPath(path, kind.rawFields), locals: names }));
}

function fieldPath(path: Path, rawFields: readonly string[] = []): Path {
  const [only] = rawFields;
  return only === undefined ? [...path, 'with'] : [...path, 'with', only];
}

function checkSecretNames({ problems, declared }: Checking, { kind, path, with: source }: Draft): void {
  const names = source === undefined ? [] : (kind.secretNames?.(source) ?? []);
  for (const name of names) {
    if (declared.secrets.includes(name)) continue;
    const meant = didYouMean(name, declared.secrets) || ' (list it in `secrets` of the flow)';
    problems.expression([...path, 'with'], name, `no secret '${name}'${meant}`);
  }
}

function checkPluginName({ problems, declared }: Checking, { kind, path, with: source }: Draft): void {
  const name = source === undefined ? undefined : kind.pluginName?.(source);
  if (name === undefined || declared.plugins.includes(name)) return;
  const meant = didYouMean(name, declared.plugins) || ' (declare it in `plugins` of the flow)';
  problems.error([...path, 'with', 'plugin'], `no plugin '${name}'${meant}`);
}

function findNode(scope: Scope, id: string): Scope | undefined {
  for (let at: Scope | undefined = scope; at; at = at.outer?.scope) {
    if (at.ids.has(id)) return at;
  }
  return undefined;
}

function unknownNode(scope: Scope, id: string): string {
  const inSight: string[] = [];
  let top = scope;
  for (let at: Scope | undefined = scope; at; at = at.outer?.scope) {
    inSight.push(...at.ids);
    top = at;
  }
  const group = groupOf(top, id);
  const meant = group === undefined ? didYouMean(id, inSight) : ` here: it is inside of group '${group}'`;
  return `no node '${id}'${meant}`;
}

function groupOf(scope: Scope, id: string): string | undefined {
  for (const draft of scope.drafts.values()) {
    if (draft.inside?.ids.has(id)) return draft.id;
    const deeper = draft.inside && groupOf(draft.inside, id);
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}
