// What a platform team writes in `cdk.json` or after `-c`, and what it is answered when that is wrong.

import { App } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { readOptions } from '../../infra/options.ts';

const read = (context: Record<string, unknown>) => readOptions(new App({ context }));

describe('a name that was meant as an option is refused, with the option', () => {
  test.each([
    ['workerMemory', 'workerMemoryMb'],
    ['workerMemoryMB', 'workerMemoryMb'],
    ['worker-memory-mb', 'workerMemoryMb'],
    ['Stage', 'stage'],
    ['stageName', 'stage'],
    ['sage', 'stage'],
    ['privateTarget', 'privateTargets'],
    ['alarmTopic', 'alarmTopicArn'],
    ['bedrockModel', 'bedrockModels'],
    ['openAiBaseUrl', 'openaiBaseUrl'],
  ])('%s', (name, option) => {
    expect(() => read({ [name]: 'x' })).toThrow(`'${name}' (did you mean '${option}'?)`);
  });
});

test("the CDK's own context, and that of somebody else, is none of ours", () => {
  const context = {
    '@aws-cdk/core:stackRelativeExports': true,
    'aws:cdk:enable-path-metadata': true,
    'availability-zones:account=1:region=eu-west-1': ['eu-west-1a'],
    tooling: 'x',
    team: 'payments',
  };
  expect(read({ ...context, stage: 'prod' })).toMatchObject({ stage: 'prod' });
});
