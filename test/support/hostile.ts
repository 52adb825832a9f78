// What an attacker sends: values of the wrong type, and bytes that are not JSON.

import * as fc from 'fast-check';

const deep = (levels: number, open: string, close: string) => JSON.parse(open.repeat(levels) + close.repeat(levels));

/** In place of any value of a body. */
const hostileValues = fc.constantFrom<unknown>(
  null,
  '',
  ' ',
  0,
  -1,
  1.5,
  1e308,
  Number.MAX_SAFE_INTEGER + 2,
  true,
  [],
  {},
  [[]],
  '\u0000',
  '\ud800',
  '\u202e',
  'null',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  '%00',
  '#',
  "' OR 1=1 --",
  '${{ $secrets.X }}',
  '{{ constructor }}',
  '\r\nx-injected: yes',
  'http://169.254.169.254/',
  'x'.repeat(3_000),
  'é'.repeat(1_500),
  JSON.parse('{"__proto__": {"polluted": true}}'),
  { constructor: { prototype: { polluted: true } } },
  { toString: 1, valueOf: null, toJSON: 'x' },
  deep(70, '[', ']'),
  Array.from({ length: 1_100 }, (_, n) => n),
);

/** One place of the value is replaced, left out, or given a neighbour. */
function damaged(value: unknown, at: number, hostile: unknown): unknown {
  if (typeof value !== 'object' || value === null) return hostile;
  const names = Object.keys(value);
  const name = names[Math.floor(at * names.length * 3) % Math.max(1, names.length)];
  const rest = { ...(value as Record<string, unknown>) };
  const deeper = (at * names.length * 3) % 1;
  if (name === undefined || deeper < 0.1)
    return { ...rest, [typeof hostile === 'string' ? hostile : 'extra']: hostile };
  if (deeper < 0.25) delete rest[name];
  else rest[name] = deeper < 0.6 ? hostile : damaged(rest[name], deeper, hostile);
  return Array.isArray(value) ? Object.values(rest) : rest;
}

type Damage = { at: number; hostile: unknown };
const damages = fc.array(
  fc.record<Damage>({ at: fc.double({ min: 0, max: 0.999, noNaN: true }), hostile: hostileValues }),
  {
    maxLength: 2,
  },
);

const brokenText = (text: string) =>
  fc.oneof(
    fc.nat(text.length).map((end) => text.slice(0, end)),
    fc
      .tuple(fc.nat(text.length), fc.string({ unit: 'binary', maxLength: 3 }))
      .map(([at, junk]) => text.slice(0, at) + junk + text.slice(at)),
    fc.constantFrom(
      '',
      'null',
      '[]',
      '"text"',
      '1',
      '[',
      '{"a":1,"a":2}',
      '\ufeff{}',
      '{"a":1e999}',
      '[['.repeat(50_000),
    ),
  );

/** Bodies: mostly JSON that is nearly right, sometimes text that is not JSON, sometimes bytes that are not text. */
export function damagedBody(values: fc.Arbitrary<unknown>): fc.Arbitrary<string | Uint8Array> {
  const nearly = fc
    .tuple(values, damages)
    .map(
      ([value, all]) =>
        JSON.stringify(all.reduce<unknown>((it, { at, hostile }) => damaged(it, at, hostile), value)) ?? '',
    );
  return fc.oneof(
    { weight: 8, arbitrary: nearly },
    { weight: 2, arbitrary: nearly.chain(brokenText) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
  );
}

/** The same for texts that are not JSON. */
export const damagedText = (texts: fc.Arbitrary<string>): fc.Arbitrary<string | Uint8Array> =>
  fc.oneof(texts, texts.chain(brokenText), fc.uint8Array({ maxLength: 40 }));

/** In place of a parameter of a path or a query. */
export const hostileTexts = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 6 }).filter((text) => text.isWellFormed()),
  fc.constantFrom(
    '.',
    '..',
    '../..',
    '__proto__',
    'constructor',
    '\u0000',
    '%',
    '%2e%2e',
    'a/b',
    'x'.repeat(1_500),
    'é'.repeat(300),
    '01a1fc33-92dd-784a-b597-8fb1f3d2b952',
    '-1',
    '1e9',
    '#RUN',
    'NaN',
  ),
);

const names = ['accept', 'content-type', 'if-match', 'idempotency-key', 'last-event-id', 'host', 'stream'] as const;
const oddHeaders = [
  'x-invoke-mode',
  'x-tc-action',
  'x-tc-version',
  'x-tc-timestamp',
  'x-forwarded-proto',
  'expect',
] as const;

/** Headers in addition to those of a good call. Names are lower case, as the gateway passes them on. */
export const hostileHeaders: fc.Arbitrary<Record<string, string>> = fc.dictionary(
  fc.constantFrom(...names, ...oddHeaders, '__proto__', 'constructor'),
  fc.oneof(
    fc.constantFrom(
      '',
      'application/xml',
      'text/plain',
      'application/json; charset=utf-16',
      'debug',
      'false',
      '*',
      '0',
    ),
    fc.string({ maxLength: 30 }),
    fc.constant('x'.repeat(2_000)),
  ),
  { maxKeys: 2 },
);
