import { describe, expect, test } from 'vitest';
import { resolveResources } from '../../local/assembly.ts';
import { readApi } from '../../local/blueprint/routes.ts';
import { readQueues, readTables } from '../../local/blueprint/storage.ts';
import { readEventSources, readSchedules } from '../../local/blueprint/triggers.ts';

const place = { queuesEndpoint: 'http://127.0.0.1:4100' };
const OTHERS = {
  Jobs: { Type: 'AWS::SQS::Queue' },
  Work: { Type: 'AWS::Lambda::Function' },
  Marks: { Type: 'AWS::DynamoDB::Table' },
  WorkRole: { Type: 'AWS::IAM::Role' },
};

/** What a value in the template is worth to a function that has it in its environment. */
function resolved(value: unknown, rest: { Conditions?: Record<string, unknown>; Parameters?: object } = {}): unknown {
  const template = {
    Resources: { ...OTHERS, Probe: { Type: 'AWS::Lambda::Function', Properties: { value } } },
    ...rest,
  };
  const resources = resolveResources(template as never, place);
  return resources.find(({ logicalId }) => logicalId === 'Probe')?.properties['value'];
}

/** One resource as the runtime sees it. */
const resource = (type: string, properties: object) =>
  resolveResources({ Resources: { ...OTHERS, It: { Type: type, Properties: properties } } }, place).filter(
    ({ logicalId }) => logicalId === 'It',
  );

describe('an intrinsic', () => {
  test.each([
    [{ Ref: 'Jobs' }, 'http://127.0.0.1:4100/000000000000/Jobs'],
    [{ Ref: 'Marks' }, 'Marks'],
    [{ Ref: 'AWS::Region' }, 'us-east-1'],
    [{ 'Fn::GetAtt': ['Work', 'Arn'] }, 'arn:aws:lambda:us-east-1:000000000000:function:Work'],
    [{ 'Fn::GetAtt': 'Jobs.Arn' }, 'arn:aws:sqs:us-east-1:000000000000:Jobs'],
    [{ 'Fn::Join': ['-', ['a', { Ref: 'Marks' }]] }, 'a-Marks'],
    [{ 'Fn::Select': ['1', { 'Fn::Split': ['/', 'a/b/c'] }] }, 'b'],
    [
      { 'Fn::Sub': `\${Marks} \${Jobs.QueueName} \${AWS::AccountId} \${!Literal}` },
      `Marks Jobs 000000000000 \${Literal}`,
    ],
    [{ 'Fn::Sub': [`\${Name}`, { Name: { Ref: 'Marks' } }] }, 'Marks'],
    [[{ Ref: 'AWS::NoValue' }, 'kept'], ['kept']],
    [{ gone: { Ref: 'AWS::NoValue' }, kept: 1 }, { kept: 1 }],
    [
      { Ref: 'not', alone: 'in its object' },
      { Ref: 'not', alone: 'in its object' },
    ],
  ])('%j becomes %j', (value, worth) => {
    expect(resolved(value)).toEqual(worth);
  });

  test('chooses by a condition', () => {
    const Conditions = {
      IsHere: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-east-1'] },
      IsAway: { 'Fn::And': [{ 'Fn::Not': [{ Condition: 'IsHere' }] }, { 'Fn::Or': [{ Condition: 'IsHere' }] }] },
    };
    expect(resolved({ 'Fn::If': ['IsHere', 'here', 'away'] }, { Conditions })).toBe('here');
    expect(resolved({ 'Fn::If': ['IsAway', 'away', { Ref: 'AWS::NoValue' }] }, { Conditions })).toBeUndefined();
  });

  test('takes the default of a parameter', () => {
    expect(resolved({ Ref: 'Size' }, { Parameters: { Size: { Default: 'large' } } })).toBe('large');
  });

  test.each([
    [{ 'Fn::ImportValue': 'Other' }, 'Probe: Fn::ImportValue is not resolved locally'],
    [{ Ref: 'Nobody' }, "Probe: 'Nobody' is neither a resource"],
    [{ 'Fn::GetAtt': ['Jobs', 'Colour'] }, "Jobs (AWS::SQS::Queue) has no attribute 'Colour' locally"],
    ['{{resolve:ssm:/a}}', 'Probe: Dynamic references are not resolved locally'],
  ])('%j is refused by name', (value, message) => {
    expect(() => resolved(value)).toThrow(message);
  });
});

describe('a template', () => {
  test('with types that the runtime neither runs nor ignores names all of them', () => {
    const Resources = {
      ...OTHERS,
      Stream: { Type: 'AWS::Kinesis::Stream' },
      Odd: { Type: 'Custom::Odd' },
      Proto: { Type: 'constructor' },
    };
    expect(() => resolveResources({ Resources }, place)).toThrow(
      'Stream (AWS::Kinesis::Stream), Odd (Custom::Odd), Proto (constructor)',
    );
  });

  test('leaves out resources whose condition does not hold, whatever their type', () => {
    const Resources = { ...OTHERS, Odd: { Type: 'Custom::Odd', Condition: 'Never' } };
    const Conditions = { Never: { 'Fn::Equals': ['a', 'b'] } };
    expect(resolveResources({ Resources, Conditions }, place)).toHaveLength(4);
  });

  test('gives ignored resources placeholders, so that they differ from what runs', () => {
    expect(resolved({ 'Fn::GetAtt': ['WorkRole', 'Arn'] })).toMatch(/^arn:aws:ignored:.*WorkRole/);
  });
});

describe('what cannot be honoured on this machine is refused by name:', () => {
  const method = (integration: object, rest = {}) =>
    resource('AWS::ApiGateway::Method', {
      ResourceId: 'root',
      HttpMethod: 'ANY',
      Integration: {
        Type: 'AWS_PROXY',
        Uri: 'arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/arn:aws:lambda:us-east-1:0:function:Work/response-streaming-invocations',
        ResponseTransferMode: 'STREAM',
        ...integration,
      },
      ...rest,
    });
  const source = (rest: object) =>
    resource('AWS::Lambda::EventSourceMapping', {
      EventSourceArn: 'arn:aws:sqs:us-east-1:000000000000:Jobs',
      FunctionName: 'Work',
      ...rest,
    });
  const schedule = (ScheduleExpression: string) =>
    resource('AWS::Scheduler::Schedule', {
      ScheduleExpression,
      Target: { Arn: 'arn:aws:lambda:us-east-1:0:function:Work' },
    });

  test.each([
    ['a filter on a queue', () => readEventSources(source({ FilterCriteria: {} })), /It .*FilterCriteria/s],
    ['another event source', () => readEventSources(source({ EventSourceArn: 'arn:aws:kinesis:x' })), /only queues/],
    ['a cron schedule', () => readSchedules(schedule('cron(0 1 * * ? *)')), /It .*cron\(0 1/],
    ['a buffered integration', () => readApi(method({ ResponseTransferMode: 'BUFFERED' })), /only streaming/],
    ['an authorizer', () => readApi(method({}, { AuthorizationType: 'CUSTOM' })), /authorizers are not run/],
    ['one method of many', () => readApi(method({}, { HttpMethod: 'GET' })), /only method ANY/],
    ['a FIFO queue', () => readQueues(resource('AWS::SQS::Queue', { FifoQueue: true }), place), /first-in-first-out/],
    ['a table stream', () => readTables(resource('AWS::DynamoDB::Table', { StreamSpecification: {} })), /streams/],
  ])('%s', (_what, read, message) => {
    expect(read).toThrow(message);
  });

  test('and the plain forms of these are read', () => {
    expect(readApi(method({})).routes).toEqual([{ path: '/', functionName: 'Work', timeoutMs: 29_000 }]);
    expect(readSchedules(schedule('rate(2 hours)'))).toMatchObject([{ periodSeconds: 7_200, input: '{}' }]);
    expect(readEventSources(source({ ScalingConfig: { MaximumConcurrency: 20 } }))).toMatchObject([
      { batchSize: 10, maxConcurrency: 4, reportsItemFailures: false },
    ]);
  });
});
