// Which models the functions may ask, as the deployment names them.

import { expect, test } from 'vitest';
import { listStatements, makeBundles, synthesize } from '../support/stack.ts';

const bundles = makeBundles();

const listGrants = (bedrockModels: string[]): string[] => {
  const granted = listStatements(synthesize(bundles, { bedrockModels })).filter(({ Action }) =>
    [Action].flat().includes('bedrock:InvokeModel'),
  );
  const arns = granted.map(({ Resource }) => [Resource].flat().map((arn) => JSON.stringify(arn)));
  expect(arns).toHaveLength(3);
  return arns[0] ?? [];
};

test('an inference profile of any geography is granted with the model behind it, in every Region', () => {
  const model = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
  const geographies = ['us', 'eu', 'apac', 'jp', 'au', 'us-gov', 'global'];
  const grants = listGrants(geographies.map((geography) => `${geography}.${model}`));
  for (const geography of geographies) {
    expect(grants.filter((arn) => arn.includes(`:inference-profile/${geography}.${model}"`))).toHaveLength(1);
  }
  const behind = grants.filter((arn) => arn.includes(`:bedrock:*::foundation-model/${model}"`));
  expect(behind).toHaveLength(1);
});

test('a model is granted by its own name, with dots in it too', () => {
  const grants = listGrants(['amazon.nova-lite-v1:0', 'zai.glm-4.7']).join('\n');
  expect(grants).toContain(':bedrock:*::foundation-model/amazon.nova-lite-v1:0"');
  expect(grants).toContain(':bedrock:*::foundation-model/zai.glm-4.7"');
  expect(grants).not.toContain(':foundation-model/nova-lite');
});
