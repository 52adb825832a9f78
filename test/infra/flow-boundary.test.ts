// What the roles that run flows may do, evaluated as IAM evaluates it: where a deployment lets flows invoke every function,
// they still reach none of the platform's.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readOptions } from '../../infra/options.ts';
import { PlatformStack } from '../../infra/platform-stack.ts';
import { ENVIRONMENTS } from '../../lambdas/env.ts';

// biome-ignore lint/suspicious/noExplicitAny: a resource is read as whatever the test expects of it
type Resource = any;

const bundles = mkdtempSync(join(tmpdir(), 'errand-boundary-'));
const VERBS = Object.keys(ENVIRONMENTS);
const RUNNERS = ['api', 'work', 'advance'];

let template: Template;
beforeAll(() => {
  for (const name of [...VERBS, 'code-node', 'code-python']) {
    mkdirSync(join(bundles, name));
    writeFileSync(join(bundles, name, 'index.mjs'), '');
  }
  const app = new App({ context: { invokableFunctions: ['*'] }, builtinCloudFormationValidation: false });
  template = Template.fromStack(new PlatformStack(app, 'Errand', { options: readOptions(app), bundles }));
});
afterAll(() => rmSync(bundles, { recursive: true }));

const SERVICES: Record<string, string> = {
  'AWS::Lambda::Function': 'lambda:r:1:function:',
  'AWS::SQS::Queue': 'sqs:r:1:',
  'AWS::StepFunctions::StateMachine': 'states:r:1:stateMachine:',
};

/** An ARN whose names are the logical ids of the template. */
function resolveArn(value: Resource): string {
  if (typeof value === 'string') return value;
  const [id, attribute] = value['Fn::GetAtt'] ?? [value.Ref];
  if (value['Fn::Join']) return value['Fn::Join'][1].map(resolveArn).join('');
  if (value.Ref === 'AWS::Partition') return 'aws';
  if (value.Ref === 'AWS::Region') return 'r';
  if (value.Ref === 'AWS::AccountId') return '1';
  if (attribute !== undefined && attribute !== 'Arn') return id;
  const type = template.toJSON()['Resources'][id]?.Type;
  return `arn:aws:${SERVICES[type] ?? 'other:'}${id}`;
}

const matches = (pattern: string, text: string): boolean =>
  new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 'i').test(text);

function applies({ Action, NotAction, Resource: on, Condition }: Resource, action: string, arn: string, tags: object) {
  const names = [Action ?? NotAction].flat().some((it: string) => matches(it, action));
  const wanted = Object.entries(Condition?.StringEquals ?? {});
  return (
    names === (Action !== undefined) &&
    [on].flat().some((it) => matches(resolveArn(it), arn)) &&
    wanted.every(([key, value]) => (tags as Record<string, unknown>)[key.replace('aws:ResourceTag/', '')] === value)
  );
}

const findAll = (type: string): [string, Resource][] => Object.entries(template.findResources(type));
const findOne = (type: string, prefix: string): string =>
  findAll(type).find(([id]) => id.startsWith(prefix))?.[0] ?? '';
const functionId = (verb: string) =>
  findOne('AWS::Lambda::Function', `${verb[0]?.toUpperCase()}${verb.slice(1)}Function`);

function mayDo(verb: string, action: string, { arn, tags = {} }: { arn: string; tags?: object }): boolean {
  const role = template.toJSON()['Resources'][functionId(verb)].Properties.Role['Fn::GetAtt'][0];
  const statements: Resource[] = findAll('AWS::IAM::Policy')
    .filter(([, { Properties }]) => Properties.Roles.some(({ Ref }: Resource) => Ref === role))
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement);
  const effects = statements.filter((it) => applies(it, action, arn, tags)).map(({ Effect }) => Effect);
  return effects.includes('Allow') && !effects.includes('Deny');
}

const functionArn = (id: string) => `arn:aws:lambda:r:1:function:${id}`;

describe.each(RUNNERS)('the role of %s, where flows may invoke every function,', (runner) => {
  test('invokes none of the platform, by name, version or alias', () => {
    for (const verb of VERBS) {
      for (const suffix of ['', ':$LATEST', ':live']) {
        const arn = `${functionArn(functionId(verb))}${suffix}`;
        expect([verb, suffix, mayDo(runner, 'lambda:InvokeFunction', { arn })]).toEqual([verb, suffix, false]);
      }
    }
  });

  test("invokes none of a neighbour's platform, which are tagged as such", () => {
    for (const verb of VERBS) {
      const { Tags } = template.toJSON()['Resources'][functionId(verb)].Properties;
      const tags = Object.fromEntries(Tags.map(({ Key, Value }: Resource) => [Key, Value]));
      expect(mayDo(runner, 'lambda:InvokeFunction', { arn: functionArn('Other'), tags })).toBe(false);
    }
  });

  test('still invokes the functions of the account and those that run code', () => {
    for (const id of [
      'Refund',
      findOne('AWS::Lambda::Function', 'CodeJavaScript'),
      findOne('AWS::Lambda::Function', 'CodePython'),
    ]) {
      expect([id, mayDo(runner, 'lambda:InvokeFunction', { arn: functionArn(id) })]).toEqual([id, true]);
    }
  });

  test('sends to the queues, and does nothing else with them that it does not need', () => {
    const queue = (prefix: string) => `arn:aws:sqs:r:1:${findOne('AWS::SQS::Queue', prefix)}`;
    const receives = (prefix: string) => runner === 'work' && prefix === 'RunsQueue';
    for (const prefix of ['RunsQueue', 'DeliveriesQueue']) {
      const may = (action: string) => mayDo(runner, `sqs:${action}`, { arn: queue(prefix) });
      expect(may('SendMessage')).toBe(true);
      expect(may('ReceiveMessage')).toBe(receives(prefix));
      expect(may('PurgeQueue')).toBe(false);
    }
  });
});

test('the denial covers what others may allow later: queues, dead letters, the machine and its executions', () => {
  const role = (verb: string) => template.toJSON()['Resources'][functionId(verb)].Properties.Role['Fn::GetAtt'][0];
  const denials = (verb: string): Resource[] =>
    findAll('AWS::IAM::Policy')
      .filter(([, { Properties }]) => Properties.Roles.some(({ Ref }: Resource) => Ref === role(verb)))
      .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement)
      .filter(({ Effect }) => Effect === 'Deny');
  const machine = findOne('AWS::StepFunctions::StateMachine', 'AdvanceMachine');
  const denied: [string, string][] = [
    ['sqs:PurgeQueue', `arn:aws:sqs:r:1:${findOne('AWS::SQS::Queue', 'RunsQueue')}`],
    ['sqs:ReceiveMessage', `arn:aws:sqs:r:1:${findOne('AWS::SQS::Queue', 'DeliveriesQueue')}`],
    ['sqs:SendMessage', `arn:aws:sqs:r:1:${findOne('AWS::SQS::Queue', 'RunsDeadLetters')}`],
    ['states:UpdateStateMachine', `arn:aws:states:r:1:stateMachine:${machine}`],
    ['states:StopExecution', `arn:aws:states:r:1:execution:${machine}:a`],
  ];
  for (const runner of RUNNERS) {
    for (const [action, arn] of denied) {
      expect([runner, action, denials(runner).some((it) => applies(it, action, arn, {}))]).toEqual([
        runner,
        action,
        true,
      ]);
    }
  }
});
