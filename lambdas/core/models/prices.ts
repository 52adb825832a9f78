// What models cost, in micro-dollars per million tokens, so that sums stay integers. A model without a price counts 0.
// https://openai.com/api/pricing · https://aws.amazon.com/bedrock/pricing

export const PRICE_VERSION = '2026-11';

interface Price {
  input: number;
  output: number;
}

const perMillion = (input: number, output: number): Price => ({ input: input * 1e6, output: output * 1e6 });

export const PRICES: Record<string, Price> = {
  'openai/gpt-4o': perMillion(2.5, 10),
  'openai/gpt-4o-mini': perMillion(0.15, 0.6),
  'openai/gpt-4.1': perMillion(2, 8),
  'openai/gpt-4.1-mini': perMillion(0.4, 1.6),
  'openai/gpt-4.1-nano': perMillion(0.1, 0.4),
  'bedrock/amazon.nova-micro-v1:0': perMillion(0.035, 0.14),
  'bedrock/amazon.nova-lite-v1:0': perMillion(0.06, 0.24),
  'bedrock/amazon.nova-pro-v1:0': perMillion(0.8, 3.2),
};

const TOKENS = 1_000_000;

/** `bedrock/us.amazon.nova-lite-v1:0` is an inference profile: the model, after where it may be asked (`jp`, `us-gov`, …). */
export function findPrice(model: string): Price | undefined {
  return PRICES[model] ?? PRICES[model.replace(/^bedrock\/[a-z-]+\./, 'bedrock/')];
}

export function calculateCost(model: string, tokens: { inputTokens: number; outputTokens: number }): number {
  const price = findPrice(model);
  if (!price) return 0;
  return Math.round((tokens.inputTokens * price.input + tokens.outputTokens * price.output) / TOKENS);
}
