// The template node: text with loops and conditions, in Liquid. The engine's `${{ }}` is not evaluated in `text`, so data
// can never become template.

import * as z from 'zod';
import { anyValue, ID, orExpression } from '../flow/fields.ts';
import type { JsonObject } from '../json.ts';
import { EXPRESSION_TIMEOUT_MS, MAX_TEMPLATE_CHARS } from '../limits.ts';
import { done, failed, type NodeKind, type Outcome } from './node-kind.ts';

const PARSE_CHARS = 256 * 1_024;
// Liquid counts objects and characters that a template makes: enough for the largest text, built a few times over.
const MEMORY_UNITS = 8 * MAX_TEMPLATE_CHARS;

interface TemplateWith extends JsonObject {
  text: string;
  vars: JsonObject;
}

const TAG = /\{\{[^{}]*\}\}|\{%[^{}%]*%\}/g;
// Only what lives outside the template: `item` may well be a loop's own.
const REFERENCE = /(?<![\w.$'"])(nodes|inputs|env|status|errors)(?:\.|\s*\[\s*["'])([A-Za-z_]\w*)/g;

/** `{{ nodes.fetch.title }}` → `$nodes.fetch`. With `vars` a template sees nothing else. */
function mentions({ text, vars }: TemplateWith): string[] {
  if (vars !== undefined) return [];
  const tags = text.match(TAG) ?? [];
  const found = tags.flatMap((tag) => [...tag.matchAll(REFERENCE)].map(([, root, name]) => `$${root}.${name}`));
  return [...new Set(found)];
}

async function render(text: string, vars: JsonObject): Promise<Outcome> {
  const { Liquid } = await import('liquidjs');
  const liquid = new Liquid({
    strictFilters: true,
    ownPropertyOnly: true,
    // No files: `include` and `render` find nothing.
    templates: {},
    parseLimit: PARSE_CHARS,
    renderLimit: EXPRESSION_TIMEOUT_MS,
    memoryLimit: MEMORY_UNITS,
  });
  try {
    const rendered: string = await liquid.parseAndRender(text, vars);
    if (rendered.length > MAX_TEMPLATE_CHARS) {
      return failed('node-failed', `The text is longer than ${MAX_TEMPLATE_CHARS} characters`);
    }
    return done({ text: rendered });
  } catch (error) {
    const [sentence] = (error as Error).message.split('\n');
    return failed('node-failed', `The template cannot be rendered: ${sentence}`);
  }
}

export const TEMPLATE: NodeKind<TemplateWith> = {
  type: 'template',
  summary: 'Renders a Liquid template. Gives {text}. It sees `vars`, or without them inputs, nodes, item and the rest.',
  with: z.strictObject({
    text: z
      .string()
      .min(1)
      .max(PARSE_CHARS)
      .refine((text) => !text.includes('${{'), {
        error: 'is a Liquid template: write {{ inputs.name }} without the dollar sign, or pass values through `vars`',
      }),
    engine: z
      .literal('liquid', {
        error: 'must be liquid; templates in jinja are not supported yet, so rewrite them in Liquid',
      })
      .optional(),
    vars: orExpression(z.record(z.string().regex(ID), anyValue)).optional(),
  }),
  defaultTimeoutMs: 5_000,
  rawFields: ['text'],
  mentions,
  run: (context, { text, vars }) => render(text, vars ?? context.bindings),
};
