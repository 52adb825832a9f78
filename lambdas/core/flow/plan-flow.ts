// Makes the plan of a flow from its checked fields: everything but the nodes.

import type { Json, JsonObject } from '../json.ts';
import { RUN_CEILING_SECONDS, RUN_NODE_CONCURRENCY } from '../limits.ts';
import { type BrokenSite, findTemplateSites, type Site } from './expression-sites.ts';
import { toInputSpec } from './input-specs.ts';
import type { OutputSpec, Plan, PlanNode, PlanSettings } from './plan.ts';
import type { FlowFields } from './shapes.ts';

const MICROS = 1_000_000;

export function planFlow(fields: FlowFields, nodes: PlanNode[]): Plan {
  const { title, description, labels, inputs = {}, models = {}, plugins = {} } = fields;
  return {
    format: 1,
    name: fields.name,
    title,
    description,
    labels,
    inputs: mapValues(inputs, toInputSpec),
    models: mapValues(models, (model) => (typeof model === 'string' ? { use: model } : plain(model))),
    env: plain(fields.env ?? {}),
    secrets: [...new Set(fields.secrets)],
    plugins: mapValues(plugins, plain),
    settings: planSettings(fields.settings ?? {}),
    nodes,
    outputs: planOutputs(fields.outputs ?? {}),
  };
}

function planSettings(settings: NonNullable<FlowFields['settings']>): PlanSettings {
  const { mode = 'any', timeout, maxTokens, maxCost, concurrency = RUN_NODE_CONCURRENCY } = settings;
  return {
    mode,
    timeoutMs: timeout ?? RUN_CEILING_SECONDS * 1_000,
    maxTokens,
    ...(maxCost !== undefined && { maxCostMicros: Math.round(maxCost * MICROS) }),
    concurrency,
  };
}

function planOutputs(outputs: NonNullable<FlowFields['outputs']>): Plan['outputs'] {
  if (typeof outputs === 'string') return { expression: outputs };
  return mapValues(outputs, (output): OutputSpec => {
    if (typeof output !== 'object' || output === null) return { value: output };
    const { value, type, title, stream } = output;
    return {
      value,
      type,
      title,
      stream,
    };
  });
}

/** Expressions of the outputs; they see the nodes of the flow. */
export function outputSites(outputs: unknown): (Site | BrokenSite)[] {
  return findTemplateSites(outputs, ['outputs'], []);
}

function mapValues<T, U>(object: Record<string, T>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value)]));
}

function plain(value: unknown): JsonObject {
  return JSON.parse(JSON.stringify(value)) as Json & JsonObject;
}
