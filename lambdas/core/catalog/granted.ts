// Whether a flow uses only what was granted to whoever wrote it, and where in its source it does not.

import { ApiError, type ErrorDetail } from '../errors.ts';
import type { Plan, Problem } from '../flow/plan.ts';
import { ANY, findMissing, listUses, type Resource, type Use } from '../flow/uses.ts';
import type { Granted } from '../ports/catalog.ts';

const NOUNS: Record<Resource, string> = {
  secrets: 'secret',
  plugins: 'plugin',
  flows: 'flow',
  functions: 'function',
  models: 'model',
  knowledge: 'knowledge base',
};

interface Written {
  plan: Plan;
  source: string;
  granted: Granted;
}

/** Each use that was not granted, with its place: a warning, since somebody else may publish the draft. */
export async function findUngranted({ plan, source, granted }: Written): Promise<Problem[]> {
  const missing = await listMissing(plan, granted);
  if (missing.length === 0) return [];
  const places = await locate(source, missing);
  return missing.map((use, index) => ({ ...place(places, index), message: describe(use), severity: 'warning' }));
}

/** Throws ApiError('forbidden') that names node, line and what is missing. `whose`: the key that something is missing to. */
export async function requireGranted(
  { plan, granted }: Omit<Written, 'source'>,
  { whose, readSource }: { whose: string; readSource(): Promise<string | undefined> },
): Promise<void> {
  const missing = await listMissing(plan, granted);
  if (missing.length === 0) return;
  const places = await locate((await readSource()) ?? '', missing);
  const details = missing.map((use, index): ErrorDetail => {
    const field = use.node === undefined ? 'secrets' : `nodes.${use.node}`;
    return { field, message: describe(use), ...place(places, index) };
  });
  const [first] = details;
  const message = `Flow '${plan.name}' uses what was not granted to ${whose}: line ${first?.line}: ${first?.message}`;
  throw new ApiError('forbidden', message, { details });
}

async function listMissing(plan: Plan, granted: Granted): Promise<Use[]> {
  if (granted === 'all') return [];
  const { NODE_KINDS } = await import('../nodes/index.ts');
  return findMissing(listUses(plan, NODE_KINDS), granted);
}

function describe({ resource, name, node }: Use): string {
  const who = node === undefined ? 'the flow' : `node '${node}'`;
  if (name === ANY)
    return `${who} names a ${NOUNS[resource]} by an expression, which needs the grant "${resource}": ["*"]`;
  return `${who} uses the ${NOUNS[resource]} '${name}', which is not among the granted ${resource}`;
}

type Place = { line: number; column: number };

const place = (places: readonly Place[], index: number): Place => places[index] ?? { line: 1, column: 1 };

/** The parser is heavy, and only a refusal needs it. */
async function locate(text: string, uses: readonly Use[]): Promise<Place[]> {
  const { readSource } = await import('../flow/source.ts');
  const read = readSource(text);
  if ('unreadable' in read) return [];
  return uses.map(({ node }) =>
    node === undefined ? read.source.locate(['secrets'], 'key') : read.source.locate(pathTo(node), 'key'),
  );
}

/** `pages.text` → nodes.pages.with.nodes.text */
const pathTo = (node: string): string[] =>
  node.split('.').flatMap((id, depth) => (depth === 0 ? ['nodes', id] : ['with', 'nodes', id]));
