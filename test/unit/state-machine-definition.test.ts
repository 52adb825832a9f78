// What the local machine refuses to load: a definition that would run otherwise on AWS never runs half here.

import { expect, test } from 'vitest';
import { readDefinition } from '../../local/state-machine/definition.ts';

const invoke = {
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Parameters: { FunctionName: 'f' },
  End: true,
};
const only = (state: object, more: object = {}) => ({ StartAt: 'Only', States: { Only: state }, ...more });

test.each<[string, object, RegExp]>([
  ['a kind of state that does not run here', only({ Type: 'Parallel', Branches: [], End: true }), /States\.Only\.Type/],
  ['JSONata', only({ Type: 'Pass', QueryLanguage: 'JSONata', End: true }), /States\.Only\.QueryLanguage/],
  ['JSONata for the whole machine', only({ Type: 'Succeed' }, { QueryLanguage: 'JSONata' }), /QueryLanguage/],
  ['a field that does not run here', only({ ...invoke, HeartbeatSeconds: 5 }), /States\.Only: .*HeartbeatSeconds/],
  ['variables', only({ Type: 'Pass', Assign: { a: 1 }, End: true }), /States\.Only: .*Assign/],
  ['another service', only({ ...invoke, Resource: 'arn:aws:states:::sqs:sendMessage' }), /States\.Only\.Resource/],
  [
    'a parameter of the invocation',
    only({ ...invoke, Parameters: { FunctionName: 'f', Qualifier: '1' } }),
    /Only\.Parameters: .*Qualifier/,
  ],
  ['a task without a function', only({ ...invoke, Parameters: {} }), /Only\.Parameters: names no function/],
  [
    'an intrinsic function',
    only({ Type: 'Pass', Parameters: { 'id.$': 'States.UUID()' }, End: true }),
    /Only\.Parameters\.id\.\$/,
  ],
  ['a path that filters', only({ Type: 'Pass', InputPath: '$.a[?(@.b)]', End: true }), /Only\.InputPath/],
  ['a path that descends', only({ Type: 'Pass', InputPath: '$..a', End: true }), /Only\.InputPath/],
  ['a result put into the context object', only({ Type: 'Pass', ResultPath: '$$.a', End: true }), /Only\.ResultPath/],
  ['a state that is not there', only({ Type: 'Pass', Next: 'Gone' }), /Only\.Next: there is no state 'Gone'/],
  [
    'a first state that is not there',
    { StartAt: 'Gone', States: { A: { Type: 'Succeed' } } },
    /StartAt: there is no state 'Gone'/,
  ],
  ['a state without a way on', only({ Type: 'Pass' }), /Only: needs Next or End/],
  ['a state with two ways on', only({ Type: 'Pass', Next: 'Only', End: true }), /Only: needs Next or End/],
  ['two timeouts', only({ ...invoke, TimeoutSeconds: 1, TimeoutSecondsPath: '$.s' }), /Only: has TimeoutSeconds and/],
  [
    'two durations',
    only({ Type: 'Wait', Seconds: 1, SecondsPath: '$.s', End: true }),
    /Only: needs exactly one duration/,
  ],
  ['a fraction of a second', only({ ...invoke, TimeoutSeconds: 0.5 }), /Only\.TimeoutSeconds/],
  [
    'an unknown operator',
    only({ Type: 'Choice', Choices: [{ Variable: '$', StringContains: 'a', Next: 'Only' }] }),
    /Only\.Choices\.0: .*StringContains/,
  ],
  [
    'a rule with two operators',
    only({ Type: 'Choice', Choices: [{ Variable: '$', IsNull: true, IsString: true, Next: 'Only' }] }),
    /Only\.Choices\.0: needs/,
  ],
  [
    'an inner rule that goes somewhere',
    only({ Type: 'Choice', Choices: [{ Not: { Variable: '$', IsNull: true, Next: 'Only' }, Next: 'Only' }] }),
    /Only\.Choices\.0\.Not: .*Next/,
  ],
])('refuses %s by state and field', (_what, definition, message) => {
  expect(() => readDefinition(definition)).toThrow(message);
});

test('names every problem at once', () => {
  const definition = {
    StartAt: 'A',
    States: { A: { Type: 'Map', End: true }, B: { Type: 'Pass', Result: 1, Foo: 2, End: true } },
  };
  expect(() => readDefinition(definition)).toThrow(/States\.A\.Type.*States\.B: .*Foo/);
});
