import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeKeyring } from '../../lambdas/core/access/keyring.ts';

const MASTER = 'a platform secret of more than 32 characters';
const RUN = '018f4e3a-7b6c-7d8e-9f01-23456789abcd';
const makeTestKeyring = (master: string) => makeKeyring(async () => master);
const keyring = makeTestKeyring(MASTER);
await keyring.ready();

describe('hashes', () => {
  test('are the same for the same credential and differ for another credential or another platform', async () => {
    const hash = await keyring.hashKey('erd_1');
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await keyring.hashKey('erd_1')).toBe(hash);
    expect(await keyring.hashKey('erd_2')).not.toBe(hash);
    expect(await makeTestKeyring(`${MASTER}!`).hashKey('erd_1')).not.toBe(hash);
  });

  test('share nothing with the secrets derived for the same words', async () => {
    const derived = Buffer.from(await keyring.derive('erd_1'), 'base64');
    expect(derived).toHaveLength(32);
    expect(derived.toString('hex')).not.toBe(await keyring.hashKey('erd_1'));
  });
});

describe('sealed values', () => {
  test('open to what was sealed, whatever it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), fc.string(), async (plain, context) => {
        expect(await keyring.open(await keyring.seal(plain, context), context)).toBe(plain);
      }),
    );
  });

  test('never look alike twice and show nothing of the value', async () => {
    const [one, two] = await Promise.all([keyring.seal('hunter2', 'c'), keyring.seal('hunter2', 'c')]);
    expect(one).not.toBe(two);
    expect(one).not.toContain(Buffer.from('hunter2').toString('base64url'));
  });

  test('do not open in another context or on another platform', async () => {
    const sealed = await keyring.seal('hunter2', 'secret/acme/TOKEN');
    await expect(keyring.open(sealed, 'secret/other/TOKEN')).rejects.toThrow('belongs elsewhere');
    await expect(makeTestKeyring(`${MASTER}!`).open(sealed, 'secret/acme/TOKEN')).rejects.toThrow('belongs elsewhere');
  });

  test('do not open once any byte was changed, removed or added', async () => {
    const sealed = await keyring.seal('hunter2', 'c');
    const bytes = Buffer.from(sealed.slice(3), 'base64url');
    const changed = [...bytes.keys()].map((at) => bytes.with(at, (bytes[at] ?? 0) ^ 1));
    for (const forged of [...changed, bytes.subarray(1), bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.of(0)])]) {
      await expect(keyring.open(`v1.${Buffer.from(forged).toString('base64url')}`, 'c')).rejects.toThrow();
    }
  });

  test.each(['', 'v1.', 'v2.AAAA', 'plain text', `v1.${'A'.repeat(20)}`])('are not made of %j', async (text) => {
    await expect(keyring.open(text, 'c')).rejects.toThrow('not a sealed value');
  });
});

describe('signal tokens', () => {
  test('carry the run and the path of a node', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 100 }), (runId, path) => {
        fc.pre(path.isWellFormed());
        expect(keyring.readSignalToken(keyring.signalToken(runId, path))).toEqual({ runId, path });
      }),
    );
  });

  test('fit a URL as they are', () => {
    expect(keyring.signalToken(RUN, 'pages[00002].review')).toMatch(/^[\w-]{70,80}$/);
  });

  test('are not believed once any byte was changed', () => {
    const bytes = Buffer.from(keyring.signalToken(RUN, 'review'), 'base64url');
    for (const at of bytes.keys()) {
      const forged = Buffer.from(bytes.with(at, (bytes[at] ?? 0) ^ 1)).toString('base64url');
      expect(keyring.readSignalToken(forged)).toBeUndefined();
    }
  });

  test('of another platform are not believed', async () => {
    const other = makeTestKeyring(`${MASTER}!`);
    await other.ready();
    expect(keyring.readSignalToken(other.signalToken(RUN, 'review'))).toBeUndefined();
  });

  test('never throw on garbage', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.base64String(), fc.string({ minLength: 1_000, maxLength: 3_000 })),
        (token) => {
          expect(keyring.readSignalToken(token)).toBeUndefined();
        },
      ),
    );
  });
});

describe('the platform secret', () => {
  test('is loaded once, however many ask at once', async () => {
    let loads = 0;
    const counted = makeKeyring(async () => {
      loads += 1;
      return MASTER;
    });
    await Promise.all([counted.hashKey('a'), counted.seal('b', 'c'), counted.ready()]);
    await counted.ready();
    expect(loads).toBe(1);
  });

  test('is asked for again after a failure', async () => {
    let loads = 0;
    const flaky = makeKeyring(async () => {
      loads += 1;
      if (loads === 1) throw new Error('throttled');
      return MASTER;
    });
    await expect(flaky.hashKey('erd_1')).rejects.toThrow('throttled');
    expect(await flaky.hashKey('erd_1')).toBe(await keyring.hashKey('erd_1'));
  });

  test('must be there before a token is made', () => {
    expect(() => makeTestKeyring(MASTER).signalToken(RUN, 'review')).toThrow('ready()');
  });
});
