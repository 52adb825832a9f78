// What a caller says and the variables beside it, as values for the inputs of a flow.

import type { Offer } from '../../flow/inputs.ts';
import type { InputSpec } from '../../flow/plan.ts';
import type { Json } from '../../json.ts';
import { QUERY_NAMES } from './render.ts';

/** Variables are texts; those for inputs of other types hold JSON. */
const valueFor =
  (text: string) =>
  ({ type }: InputSpec): Json => {
    if (type === 'string' || type === 'text' || type === 'enum') return text;
    try {
      return JSON.parse(text) as Json;
    } catch {
      return text;
    }
  };

export function readOffers(query: string | null | undefined, variables: Record<string, string>): Offer[] {
  const offers = Object.entries(variables).map(
    ([name, text]): Offer => ({
      names: [name],
      value: valueFor(text),
      isNeeded: true,
    }),
  );
  return query ? [...offers, { names: QUERY_NAMES, value: query }] : offers;
}
