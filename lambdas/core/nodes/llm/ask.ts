// Calls a model for a node: chooses the model, adds up what it costs, and turns its faults into failures of the node.

import type { JsonObject } from '../../json.ts';
import { calculateCost, PRICE_VERSION } from '../../models/prices.ts';
import { type ModelAnswer, ModelFault, type ModelProviderName, type ModelRequest } from '../../ports/models.ts';
import type { Usage } from '../../run.ts';
import type { NodeContext, Outcome } from '../node-kind.ts';
import { failed } from '../node-kind.ts';

/** A node may call the model several times; `usage` is the sum. */
export interface Asking {
  ask(request: Omit<ModelRequest, 'model' | 'timeoutMs' | 'signal'>): Promise<ModelAnswer>;
  usage(): Usage;
}

interface Chosen {
  /** `provider/model`. */
  use: string;
  temperature?: number;
  maxTokens?: number;
}

/** `uses` of a kind whose field `model` names one. */
export const listModels = ({ model }: JsonObject) => [{ resource: 'models' as const, name: String(model) }];

/** An alias of the flow, or `provider/model` itself. */
function chooseModel(context: NodeContext, name: string): Chosen {
  const alias = context.models[name] as JsonObject | undefined;
  if (alias) return alias as unknown as Chosen;
  if (name.includes('/')) return { use: name };
  throw new ModelFault('model-not-configured', `'${name}' is not a model of this flow: add it to \`models\``);
}

export function makeAsking(context: NodeContext, name: string): Asking {
  const sum = { inputTokens: 0, outputTokens: 0 };
  let use = name;
  return {
    async ask(request) {
      const model = chooseModel(context, name);
      use = model.use;
      const slash = use.indexOf('/');
      const provider = context.ports.models[use.slice(0, slash) as ModelProviderName];
      if (!provider) {
        const known = Object.keys(context.ports.models).join(', ') || 'none';
        throw new ModelFault(
          'model-not-configured',
          `Model '${use}' has no configured provider (configured: ${known})`,
        );
      }
      const { temperature = model.temperature, maxTokens = model.maxTokens, ...rest } = request;
      const answer = await provider.generate({
        ...rest,
        temperature,
        maxTokens,
        model: use.slice(slash + 1),
        timeoutMs: context.timeoutMs,
        signal: context.signal,
      });
      sum.inputTokens += answer.inputTokens;
      sum.outputTokens += answer.outputTokens;
      return answer;
    },
    usage: () => ({
      totalTokens: sum.inputTokens + sum.outputTokens,
      costMicros: calculateCost(use, sum),
      steps: 0,
      ...sum,
      model: use,
      priceVersion: PRICE_VERSION,
    }),
  };
}

/** Runs the node's work with the model; faults of the model become failures that include the usage so far. */
export async function withModel(
  context: NodeContext,
  name: string,
  work: (asking: Asking) => Promise<Outcome>,
): Promise<Outcome> {
  const asking = makeAsking(context, name);
  try {
    return await work(asking);
  } catch (error) {
    if (!(error instanceof ModelFault)) throw error;
    const retryable = error.code === 'model-quota' || error.code === 'model-unavailable';
    return failed(error.code, error.message, {
      retryable,
      retryAfterMs: error.retryAfterMs,
      usage: asking.usage(),
    });
  }
}
