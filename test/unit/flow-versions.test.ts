import { describe, expect, test } from 'vitest';
import { type Change, classifyChange, nextVersion } from '../../lambdas/core/flow/next-version.ts';
import type { InputSpec, OutputSpec } from '../../lambdas/core/flow/plan.ts';
import { compareVersions, findVersionLabel } from '../../lambdas/core/flow/versions.ts';
import { buildPlan } from '../support/build-plan.ts';

const text: InputSpec = { type: 'string' };

describe('a change of inputs is', () => {
  test.each<[string, Record<string, InputSpec>, Record<string, InputSpec>, Change]>([
    ['patch: none', { a: text }, { a: text }, 'patch'],
    ['patch: other words', { a: text }, { a: { ...text, title: 'A', description: 'An A', default: 'x' } }, 'patch'],
    ['minor: one more that need not be given', {}, { a: text }, 'minor'],
    [
      'minor: one more that is demanded but has a default',
      {},
      { a: { ...text, required: true, default: 'x' } },
      'minor',
    ],
    ['major: one more that is demanded', {}, { a: { ...text, required: true } }, 'major'],
    ['major: one less', { a: text }, {}, 'major'],
    ['major: demanded now', { a: text }, { a: { ...text, required: true } }, 'major'],
    ['minor: demanded no longer', { a: { ...text, required: true } }, { a: text }, 'minor'],
    ['major: another type', { a: text }, { a: { type: 'number' } }, 'major'],
    ['minor: a wider type', { a: { type: 'integer' } }, { a: { type: 'number' } }, 'minor'],
    ['major: a narrower type', { a: { type: 'number' } }, { a: { type: 'integer' } }, 'major'],
    ['minor: a longer text', { a: { ...text, maxLength: 5 } }, { a: { ...text, maxLength: 6 } }, 'minor'],
    ['major: a shorter text', { a: { ...text, maxLength: 5 } }, { a: { ...text, maxLength: 4 } }, 'major'],
    ['major: a limit', { a: text }, { a: { ...text, maxLength: 99 } }, 'major'],
    ['minor: no limit', { a: { ...text, minLength: 2 } }, { a: text }, 'minor'],
    ['major: a higher least value', { a: { type: 'number', min: 1 } }, { a: { type: 'number', min: 2 } }, 'major'],
    ['minor: a lower least value', { a: { type: 'number', min: 1 } }, { a: { type: 'number', min: 0 } }, 'minor'],
    [
      'minor: one option more',
      { a: { type: 'enum', options: [1] } },
      { a: { type: 'enum', options: [2, 1] } },
      'minor',
    ],
    [
      'major: one option less',
      { a: { type: 'enum', options: [1, 2] } },
      { a: { type: 'enum', options: [1] } },
      'major',
    ],
    ['major: another pattern', { a: { ...text, pattern: 'a' } }, { a: { ...text, pattern: 'b' } }, 'major'],
    ['minor: no pattern', { a: { ...text, pattern: 'a' } }, { a: text }, 'minor'],
    ['minor: one alias more', { a: text }, { a: { ...text, alias: ['b'] } }, 'minor'],
    ['major: one alias less', { a: { ...text, alias: ['b'] } }, { a: text }, 'major'],
    ['major: only some files now', { a: { type: 'file' } }, { a: { type: 'file', accept: ['.txt'] } }, 'major'],
  ])('%s', (_, before, after, expected) => {
    expect(classifyChange(buildPlan({ inputs: before }), buildPlan({ inputs: after }))).toBe(expected);
  });
});

describe('a change of outputs is', () => {
  const out = (type?: OutputSpec['type']): OutputSpec => ({ value: 1, type });
  test.each<[string, Record<string, OutputSpec>, Record<string, OutputSpec>, Change]>([
    ['patch: another value', { a: out() }, { a: { value: 2, title: 'A' } }, 'patch'],
    ['minor: one more', {}, { a: out() }, 'minor'],
    ['major: one less', { a: out() }, {}, 'major'],
    ['major: another type', { a: out('string') }, { a: out('number') }, 'major'],
    ['patch: a type that was not said', { a: out() }, { a: out('string') }, 'patch'],
  ])('%s', (_, before, after, expected) => {
    expect(classifyChange(buildPlan({ outputs: before }), buildPlan({ outputs: after }))).toBe(expected);
  });

  test('major: names in place of one expression', () => {
    const whole = buildPlan({ outputs: { expression: '${{ $nodes.a }}' } });
    expect(classifyChange(whole, whole)).toBe('patch');
    expect(classifyChange(whole, buildPlan({ outputs: { a: out() } }))).toBe('major');
  });
});

describe('the label of a version', () => {
  const plan = buildPlan();

  test('is 1.0.0 for the first', () => {
    expect(nextVersion(undefined, plan)).toBe('1.0.0');
  });

  test.each([
    [buildPlan(), '1.9.10'],
    [buildPlan({ outputs: { a: { value: 1 } } }), '1.10.0'],
    [buildPlan({ inputs: { a: { type: 'string', required: true } } }), '2.0.0'],
  ])('follows from what changed', (after, expected) => {
    expect(nextVersion({ version: '1.9.9', plan }, after)).toBe(expected);
  });

  test('is ordered by its numbers', () => {
    const labels = ['1.10.0', '1.9.0', '10.0.0', '1.9.10', '2.0.0'];
    expect(labels.sort(compareVersions)).toEqual(['1.9.0', '1.9.10', '1.10.0', '2.0.0', '10.0.0']);
  });

  test.each([
    ['1.9.0', '1.9.0'],
    ['1.9', '1.9.10'],
    ['1', '1.10.0'],
    ['1.1', undefined],
    ['3', undefined],
    ['1.9.1', undefined],
    ['', undefined],
    ['latest', undefined],
    ['1.', undefined],
    ['__proto__', undefined],
  ])('%j is found as %j', (asked, expected) => {
    expect(findVersionLabel(asked, ['1.10.0', '1.9.0', '10.0.0', '1.9.10'])).toBe(expected);
  });
});
