// Templates in Liquid: parsed when a flow is published, rendered with the limits of the library.

import { Liquid, LiquidError } from 'liquidjs';
import type { WithProblem } from '../../flow/authored-kind.ts';
import type { JsonObject } from '../../json.ts';
import {
  EXPRESSION_RETRY_MS,
  EXPRESSION_TIMEOUT_MS,
  MAX_TEMPLATE_CHARS,
  MAX_TEMPLATE_SOURCE_CHARS,
} from '../../limits.ts';
import { done, failed, type Outcome } from '../node-kind.ts';

// Liquid counts objects and characters that a template makes: enough for the largest text, built a few times over.
const MEMORY_UNITS = 8 * MAX_TEMPLATE_CHARS;

const TOO_LONG = 'template render limit exceeded';

const makeLiquid = (): Liquid =>
  new Liquid({
    strictFilters: true,
    ownPropertyOnly: true,
    // No files: `include` and `render` find nothing.
    templates: {},
    parseLimit: MAX_TEMPLATE_SOURCE_CHARS,
    renderLimit: EXPRESSION_TIMEOUT_MS,
    memoryLimit: MEMORY_UNITS,
  });

export async function renderLiquid(text: string, vars: JsonObject): Promise<Outcome> {
  try {
    const rendered = await renderTwice((limits) => makeLiquid().parseAndRender(text, vars, limits));
    if (rendered.length > MAX_TEMPLATE_CHARS) {
      return failed('node-failed', `The text is longer than ${MAX_TEMPLATE_CHARS} characters`);
    }
    return done({ text: rendered });
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    return failed('node-failed', `The template cannot be rendered: ${reason}`);
  }
}

/** Liquid measures wall-clock time: as with expressions, a render that only had to wait for the processor succeeds now. */
async function renderTwice(run: (limits: { renderLimit?: number }) => Promise<string>): Promise<string> {
  try {
    return await run({});
  } catch (error) {
    if (!(error as Error).message.startsWith(TOO_LONG)) throw error;
    return run({ renderLimit: EXPRESSION_RETRY_MS });
  }
}

/** The first one: Liquid does not look further. */
export function findLiquidProblems(text: string): WithProblem[] {
  try {
    makeLiquid().parse(text);
    return [];
  } catch (error) {
    if (!LiquidError.is(error)) throw error;
    const [reason = ''] = error.message.split('\n');
    const [line = 1, column = 1] = error.token.getPosition();
    const message = `the template does not parse: ${reason.replace(/, line:\d+, col:\d+$/, '')}`;
    return [{ path: ['text'], message, at: { line, column } }];
  }
}
