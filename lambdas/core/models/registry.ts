// The models that flows of this deployment can use, with their prices.

import type { Models } from '../ports/models.ts';
import { PRICE_VERSION, PRICES } from './prices.ts';

export interface ModelView {
  /** As a flow names it; `openai/*` means any model of the endpoint. */
  id: string;
  provider: string;
  /** US dollars per million tokens; null where unknown, which counts 0. */
  price: { input: number; output: number; version: string } | null;
}

/** Why a flow cannot use the model in this deployment; undefined where it can. */
export function findModelProblem(models: Models, use: string): string | undefined {
  const slash = use.indexOf('/');
  const provider = models[use.slice(0, slash) as keyof Models];
  if (!provider) {
    const known = Object.keys(models).join(', ') || 'none';
    return `model '${use}' has no configured provider (configured: ${known}): its nodes will fail as model-not-configured`;
  }
  if (!provider.offers || provider.offers.includes(use.slice(slash + 1))) return undefined;
  return `this deployment does not offer the model '${use}' (it offers: ${provider.offers.join(', ')})`;
}

const MICROS = 1_000_000;

export function listModels(models: Models): ModelView[] {
  return Object.entries(models).flatMap(([provider, { offers }]) => {
    const priced = Object.keys(PRICES).filter((id) => id.startsWith(`${provider}/`));
    const named = offers ? offers.map((name) => `${provider}/${name}`) : [...priced, `${provider}/*`];
    return named.map((id) => ({ id, provider, price: renderPrice(id) }));
  });
}

function renderPrice(id: string): ModelView['price'] {
  const price = PRICES[id];
  return price ? { input: price.input / MICROS, output: price.output / MICROS, version: PRICE_VERSION } : null;
}
