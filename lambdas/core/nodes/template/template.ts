// The template node: text with loops and conditions, in Liquid or Jinja. The engine's `${{ }}` is not evaluated in `text`,
// so data is never parsed as a template.

import * as z from 'zod';
import { anyValue, ID, orExpression } from '../../flow/fields.ts';
import type { JsonObject } from '../../json.ts';
import { MAX_TEMPLATE_SOURCE_CHARS } from '../../limits.ts';
import { done, failed, type NodeContext, type NodeKind, type Outcome } from '../node-kind.ts';
import { readTags } from './tags.ts';

interface TemplateWith extends JsonObject {
  text: string;
  engine: 'liquid' | 'jinja';
  vars: JsonObject;
}

// Only names from outside the template: `item` may be the variable of a loop.
const REFERENCE = /(?<![\w.$'"])(nodes|inputs|env|status|errors)(?:\.|\s*\[\s*["'])([A-Za-z_]\w*)/g;

/** `{{ nodes.fetch.title }}` → `$nodes.fetch`. With `vars` a template sees nothing else. */
function findMentions({ text, vars }: TemplateWith): string[] {
  if (vars !== undefined) return [];
  const found = readTags(text)
    .filter(({ kind, isClosed }) => isClosed && kind !== 'comment')
    .flatMap(({ source }) => [...source.matchAll(REFERENCE)].map(([, root, name]) => `$${root}.${name}`));
  return [...new Set(found)];
}

async function renderJinja(context: NodeContext, { text, vars }: { text: string; vars: JsonObject }): Promise<Outcome> {
  const end = await context.ports.jinja.render({ text, vars });
  if (end.kind === 'rendered') return done({ text: end.text });
  return failed('node-failed', `The template cannot be rendered: ${end.message}`);
}

/** Without `vars` a template sees everything; outputs that it does not mention are not copied. */
function pickVisible({ nodes = {}, ...rest }: NodeContext['bindings'], source: TemplateWith): JsonObject {
  const mentioned = findMentions(source);
  const isMentioned = ([id]: [string, unknown]) => mentioned.includes(`$nodes.${id}`);
  return { ...rest, nodes: Object.fromEntries(Object.entries(nodes as JsonObject).filter(isMentioned)) };
}

export const TEMPLATE: NodeKind<TemplateWith> = {
  type: 'template',
  summary:
    'Renders a template in Liquid or Jinja. Gives {text}. It sees `vars`, or without them inputs, nodes, item and the rest.',
  fields: {
    text: 'The template: {{ nodes.a.title }} mentions a node',
    engine: 'liquid (default) or jinja',
    vars: 'What the template sees; without it, inputs, nodes, env, item and the rest',
  },
  with: z.strictObject({
    text: z
      .string()
      .min(1)
      .max(MAX_TEMPLATE_SOURCE_CHARS)
      .refine((text) => !text.includes('${{'), {
        error: 'is a template: write {{ inputs.name }} without the dollar sign, or pass values through `vars`',
      }),
    engine: z.enum(['liquid', 'jinja']).optional(),
    vars: orExpression(z.record(z.string().regex(ID), anyValue)).optional(),
  }),
  defaultTimeoutMs: 5_000,
  rawFields: ['text'],
  mentions: findMentions,
  async check({ text, engine }) {
    if (engine === 'jinja') return (await import('./jinja.ts')).findJinjaProblems(text);
    return (await import('./liquid.ts')).findLiquidProblems(text);
  },
  async run(context, input) {
    const { text, engine, vars } = input;
    if (engine === 'jinja') return renderJinja(context, { text, vars: vars ?? pickVisible(context.bindings, input) });
    return (await import('./liquid.ts')).renderLiquid(text, vars ?? context.bindings);
  },
};
