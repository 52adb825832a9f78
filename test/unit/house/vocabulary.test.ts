// Plain words: code, comments, errors and documents use the field's standard terms, so that a search for the word one
// knows finds the place. What stays in spite of it stands in ALLOWED, each with its reason.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');

/** Anywhere: in code, comments, messages, documents and file names. */
const WORDS: [RegExp, string][] = [
  [
    /doorbell|\bbells?\b|\brings?\b|\brung\b|\bringing\b|\bring[A-Z]\w*|\w+(?:Bell|Ring|Rings)\b/,
    'queue message, enqueue',
  ],
  [/waiting (?:room|place)|\bseats?\b|\bseated\b|\bseat[A-Z]\w*/i, "the tenant's queue, queued, promote"],
  [
    /\b(?:un)?told\b|\btells?\b|\btelling\b|\b(?:tell|tells|told)[A-Z]\w*|\w+Told\b/,
    'notify, deliver, show, report, say',
  ],
  [/\bhears?\b|\b(?:un|over)?heard\b|\bhear[A-Z]\w*|\w+Heard\b/, 'receive, record success, deliver'],
  [/\basleep\b|\bnaps?\b|\brested\b|\brests\b|restsUntil/i, 'suspended, inline wait'],
  [/\bpaus(?:e|es|ed|ing)\b|\bpause[A-Z]\w*/i, 'retry delay, wait'],
  [/undisturbed|\bsentences?\b|\w+Sentence\b|sentenceOf|isSameText/i, 'rethrow as fault, message, constant-time equal'],
  [/\bsurroundings?\b/i, 'context'],
  [/\bprobed\b|\bisProbed\b|\bmissed\b|\bisMissed\b|\bhurried\b/i, 'half-open, failure, short timeout'],
  [/\bputs? off\b|\bputting off\b|\bputOff/, 'defer'],
  [
    /\bsets? apart\b|setApart|\b(?:end|ends|ended|ending) (?:its|their|his|the)? ?workers?\b/i,
    'isolate, crash a worker',
  ],
  [/\bpermits?\b|\bstands\b|\bstanding\b|standsAt/, 'submission checks, current'],
  [/keptAlive|\bpatiently\b|takeNews|giveBack|endedBefore|callWaiting|callAgain/, 'see docs/decisions/0011'],
  [
    /\blaws?\b|\bwitness(?:es)?\b|\bverdicts?\b|\bstrikes?\b|\bmortal\b|\bdoors?\b|\w+Door\b|MortalPlatform|Witness\b/,
    'property, recorder, invariants, injected fault, proxy, killable platform',
  ],
  [/\bPlatformError\b|\bhand-?over|handOver/i, 'ApiError, handoff'],
];

/** As names in code, where the same word is usual English in a comment. */
const NAMES: [RegExp, string][] = [
  [/\b(?:function\*?|const) \w+Of\b/, 'a verb: readText, buildContext'],
  [/\bgiven\b|\bGiven\b/, 'input, value, request, duplicate'],
  [
    /\bhold\(|\btake\(|\brest\(|\bwithin\(|\bchecked\(|\breach\w*\(/,
    'ensure lease, claim, record wait, with timeout, parse',
  ],
  [/\bstreamed\b|\bshown\b|\bframes\b/, 'events, render'],
];

/** File pattern, word, reason. */
const ALLOWED: [RegExp, RegExp, string][] = [
  [/house\/vocabulary\.test\.ts$/, /./, 'it lists the words'],
  [/^lambdas\/core\/dialects\/dify\/|^docs\/dialects|^test\/unit\/dialects-dify/, /^paused/, "a status of Dify's API"],
  [/dialect-cases\.ts$|journey\/dialects\.test/, /^frames$/, 'a field of the case files'],
  [/^lambdas\/aws\//, /handover|putOff/i, 'stored under this name since 0.1.0'],
  [/^docs\/decisions\/0011-/, /handover|putOff/i, 'it names the stored attributes'],
];

const TEXTS = '{lambdas,local,infra,test,flows,docs,.ci}/**/*.{ts,mjs,py,md,yaml}';
const files = [...globSync(TEXTS, { cwd: ROOT }), 'README.md'].filter(
  (file) => !/fixtures\/(?:dialects|checkpoints\/\d)/.test(file),
);

const withoutProse = (line: string): string =>
  line.replace(/\/\/.*$|^\s*\*.*$|\/\*.*?\*\//g, '').replace(/'(?:[^'\\]|\\.)*'|`[^`]*`|"(?:[^"\\]|\\.)*"/g, "''");

function findings(file: string): string[] {
  const lines = [file, ...readFileSync(join(ROOT, file), 'utf8').split('\n')];
  return lines.flatMap((line, number) => {
    const code = /\.(?:ts|mjs)$/.test(file) && number > 0 ? withoutProse(line) : '';
    const found = [...WORDS.map((word) => [line, ...word] as const), ...NAMES.map((word) => [code, ...word] as const)];
    return found.flatMap(([text, word, plain]) => {
      const [match] = word.exec(text) ?? [];
      const isAllowed = match === undefined || ALLOWED.some(([where, what]) => where.test(file) && what.test(match));
      return isAllowed ? [] : [`${file}:${number}: '${match}': write ${plain}`];
    });
  });
}

test('no house metaphor in code, tests or documents', () => {
  expect(files.length).toBeGreaterThan(500);
  expect(files.flatMap(findings)).toEqual([]);
});
