import { beforeEach, describe, expect, test } from 'vitest';
import { bootstrap } from '../../lambdas/core/access/bootstrap.ts';
import { makeKeyring } from '../../lambdas/core/access/keyring.ts';
import {
  authenticate,
  issueKey,
  listKeys,
  type NewKey,
  newKeySchema,
  renderKey,
  requireScope,
  resolveFlow,
  revokeKey,
} from '../../lambdas/core/access/keys.ts';
import { createTenant } from '../../lambdas/core/access/tenants.ts';
import { makeCaches } from '../../lambdas/core/access/ttl-cache.ts';
import { type Key, SCOPES, type TenantStore } from '../../lambdas/core/ports/catalog.ts';
import { type FakeClock, makeFakeClock } from '../support/fake-clock.ts';
import { makeMemoryTenantStore } from '../support/memory-tenant-store.ts';

const SECONDS = 1_000;
const HOURS = 60 * 60 * SECONDS;

/** A store that counts what it is asked. */
function counting(store: TenantStore) {
  const counts = { lookups: 0, touches: 0 };
  const counted: TenantStore = {
    ...store,
    keyByHash: (hash) => {
      counts.lookups += 1;
      return store.keyByHash(hash);
    },
    touchKey: (key, now) => {
      counts.touches += 1;
      return store.touchKey(key, now);
    },
  };
  return { counted, counts };
}

function makePorts() {
  let made = 0;
  const { counted, counts } = counting(makeMemoryTenantStore());
  const clock: FakeClock = makeFakeClock();
  const warnings: string[] = [];
  return {
    clock,
    counts,
    warnings,
    tenants: counted,
    caches: makeCaches(),
    ids: {
      run: () => 'unused',
      random: () => 0,
      token: (chars: number) => {
        made += 1;
        return String(made).padStart(chars, '0');
      },
    },
    keyring: makeKeyring(async () => 'a platform secret of more than 32 characters'),
    log: { info: () => {}, error: () => {}, metric: () => {}, warn: (message: string) => void warnings.push(message) },
  };
}

let ports: ReturnType<typeof makePorts>;
let operator: Awaited<ReturnType<typeof bootstrap>>;
beforeEach(async () => {
  ports = makePorts();
  operator = await bootstrap(ports, { tenant: 'acme', key: 'demo-key' });
});

const issue = (asked: NewKey = {}) => issueKey(ports, operator, asked);
const issueCredential = async (asked: NewKey = {}) => (await issue(asked)).credentials['key'] ?? '';

describe('a key', () => {
  test('is listed once, looks like ours, and lets its holder in', async () => {
    const { key, credentials } = await issue({ name: 'CI' });
    expect(credentials['key']).toMatch(/^erd_[0-9A-Za-z]{40}$/);
    expect(await authenticate(ports, credentials['key'] ?? '')).toEqual({ tenant: operator.tenant, key });
    const listed = JSON.stringify((await listKeys(ports, 'acme')).map(renderKey));
    expect(listed).toContain(key.id);
    expect(listed).not.toContain(credentials['key']);
  });

  test('is kept with everything that was asked for', async () => {
    const { key } = await issue({ flow: 'news', ids: { 'c-1': 'news' }, expiresAt: '2026-02-01T00:00:00+01:00' });
    expect(renderKey(key)).toEqual({
      id: key.id,
      dialect: 'native',
      flow: 'news',
      ids: { 'c-1': 'news' },
      scopes: ['run'],
      grants: null,
      name: null,
      createdAt: '2026-01-02T03:04:05.678Z',
      expiresAt: '2026-01-31T23:00:00.000Z',
      lastUsedAt: null,
    });
  });

  test.each([
    ['dify', { key: /^app-[0-9A-Za-z]{32}$/ }],
    ['gptbots', { key: /^app-[0-9A-Za-z]{24}$/ }],
    ['qianfan', { key: /^bce-v3\/ALTAK-[0-9A-Za-z]{21}\/[0-9a-f]{40}$/ }],
    [
      'huawei',
      {
        token: /^HPUA[0-9A-Z]{16}\.\w{44}$/,
        accessKey: /^HPUA[0-9A-Z]{16}$/,
        secretKey: /^\w{40}$/,
        projectId: /^[0-9a-f]{32}$/,
      },
    ],
    [
      'tencent',
      {
        secretId: /^AKID[0-9A-Za-z]{32}$/,
        secretKey: /^\w{32}$/,
        appBizId: /^\d{19}$/,
        appKey: /^AKID[0-9A-Za-z]{32}\w{44}$/,
      },
    ],
  ] as const)('of %s has the form that its clients expect, and opens that wire only', async (dialect, form) => {
    const { credentials } = await issue({ dialect });
    expect(Object.keys(credentials)).toEqual(Object.keys(form));
    for (const [name, pattern] of Object.entries(form)) expect(credentials[name]).toMatch(pattern);
    for (const credential of Object.values(credentials)) {
      await expect(authenticate(ports, credential)).rejects.toMatchObject({ code: 'unauthenticated' });
    }
    const { key } = credentials;
    if (key !== undefined) expect((await authenticate(ports, key, dialect)).key.dialect).toBe(dialect);
  });

  test('that would have expired already is refused', async () => {
    await expect(issue({ expiresAt: '2025-01-01T00:00:00Z' })).rejects.toMatchObject({
      details: [{ field: 'expiresAt' }],
    });
  });

  test.each([
    [{ scopes: [] }],
    [{ scopes: ['root'] }],
    [{ scope: 'admin' }],
    [{ dialect: 'klingon' }],
    [{ expiresAt: 'tomorrow' }],
    [{ expiresAt: '2026-02-01T00:00:00' }],
    [{ ids: { a: 1 } }],
    [{ ids: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`v${i}`, 'news'])) }],
    [{ name: ' ' }],
  ])('cannot be asked for with %j', (asked) => {
    expect(newKeySchema.safeParse(asked).success).toBe(false);
  });
});

describe('scopes', () => {
  const callerWith = (...scopes: Key['scopes']) => ({ ...operator, key: { ...operator.key, scopes } });

  test('let every key run, and only the named ones do more', () => {
    expect(() => requireScope(callerWith('admin'), 'run')).not.toThrow();
    expect(() => requireScope(callerWith('admin'), 'admin')).not.toThrow();
    expect(() => requireScope(callerWith('run', 'admin'), 'operator')).toThrow("'operator'");
  });

  test('cannot be handed out by a key that lacks them', async () => {
    const admin = callerWith('run', 'admin');
    await expect(issueKey(ports, admin, { scopes: ['operator'] })).rejects.toMatchObject({ code: 'forbidden' });
    expect(await listKeys(ports, 'acme')).toHaveLength(1);
  });

  test('let only an operator hand a key to another tenant', async () => {
    await createTenant(ports, { id: 'newcomer' });
    const asked = { tenant: 'newcomer', scopes: ['admin'] } satisfies NewKey;
    await expect(issueKey(ports, callerWith('run', 'admin'), asked)).rejects.toMatchObject({ code: 'forbidden' });
    const { credentials } = await issueKey(ports, operator, asked);
    expect((await authenticate(ports, credentials['key'] ?? '')).tenant.id).toBe('newcomer');
    await expect(issue({ tenant: 'nobody' })).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('authentication', () => {
  test.each(['', ' ', 'unknown', 'demo-key ', 'Demo-Key', 'demo-key\n', 'x'.repeat(10_000), '\u0000', 'schlüssel'])(
    'refuses %j with the same message',
    async (credential) => {
      await expect(authenticate(ports, credential)).rejects.toMatchObject({
        code: 'unauthenticated',
        message: 'The key is missing, unknown or expired',
      });
    },
  );

  test('refuses a key from the moment it expires, cached or not', async () => {
    const credential = await issueCredential({ expiresAt: '2026-01-02T03:04:15.678Z' });
    await authenticate(ports, credential);
    ports.clock.advance(10 * SECONDS - 1);
    await authenticate(ports, credential);
    ports.clock.advance(1);
    await expect(authenticate(ports, credential)).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('refuses a revoked key within 30 seconds', async () => {
    const { key, credentials } = await issue();
    const credential = credentials['key'] ?? '';
    await authenticate(ports, credential);
    await revokeKey(ports, 'acme', key.id);
    ports.clock.advance(30 * SECONDS);
    await expect(authenticate(ports, credential)).rejects.toMatchObject({ code: 'unauthenticated' });
    await expect(revokeKey(ports, 'acme', key.id)).rejects.toMatchObject({ code: 'not-found' });
  });

  test('looks a key up once in 30 seconds, the unknown ones too', async () => {
    ports.counts.lookups = 0;
    for (let call = 0; call < 10; call++) await authenticate(ports, 'demo-key');
    for (let call = 0; call < 10; call++) await authenticate(ports, 'unknown').catch(() => {});
    expect(ports.counts.lookups).toBe(2);
    ports.clock.advance(30 * SECONDS);
    await authenticate(ports, 'demo-key');
    expect(ports.counts.lookups).toBe(3);
  });

  test('keeps the good keys in mind while somebody tries many', async () => {
    await authenticate(ports, 'demo-key');
    for (let guess = 0; guess < 2_000; guess++) await authenticate(ports, `guess-${guess}`).catch(() => {});
    ports.counts.lookups = 0;
    await authenticate(ports, 'demo-key');
    expect(ports.counts.lookups).toBe(0);
  });

  test('notes the last use at most once an hour', async () => {
    for (let minute = 0; minute < 59; minute++) {
      await authenticate(ports, 'demo-key');
      ports.clock.advance(60 * SECONDS);
    }
    expect(ports.counts.touches).toBe(1);
    ports.clock.advance(HOURS);
    await authenticate(ports, 'demo-key');
    expect(ports.counts.touches).toBe(2);
    expect((await listKeys(ports, 'acme'))[0]?.lastUsedAt).toBe(ports.clock.now());
  });

  test('lets a caller in even where the last use cannot be noted', async () => {
    ports.tenants.touchKey = async () => {
      throw new Error('throttled');
    };
    expect((await authenticate(ports, 'demo-key')).key.id).toBe(operator.key.id);
    expect(ports.warnings).toHaveLength(1);
  });
});

test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])(
  '%s may be a vendor id, mapped or not',
  async (id) => {
    const { key } = await issue({ ids: { 'c-1': 'news' } });
    expect(resolveFlow({ key }, id)).toBe(id);
    expect(resolveFlow({ key: { ...key, ids: JSON.parse(`{"${id}":"news"}`) } }, id)).toBe('news');
  },
);

describe('bootstrap', () => {
  test('makes the tenant and a key with every scope, entitled to async runs', () => {
    expect(operator.key.scopes).toEqual([...SCOPES]);
    expect(operator.tenant).toMatchObject({ id: 'acme', entitlements: { async: true } });
  });

  test('changes nothing when it is repeated with the same key', async () => {
    ports.clock.advance(HOURS);
    expect(await bootstrap(ports, { tenant: 'acme', key: 'demo-key' })).toEqual(operator);
    expect(await listKeys(ports, 'acme')).toHaveLength(1);
  });

  test('is refused while an operator key exists, for any tenant, and makes nothing', async () => {
    for (const first of [{ tenant: 'acme' }, { tenant: 'other' }, { tenant: 'acme', key: 'another' }]) {
      await expect(bootstrap(ports, first)).rejects.toMatchObject({
        code: 'forbidden',
        message: expect.stringContaining('docs/runbook.md'),
      });
    }
    expect(await ports.tenants.tenant('other')).toBeUndefined();
    expect(await listKeys(ports, 'acme')).toHaveLength(1);
  });

  test('is refused where the operator key was made before first keys were recorded', async () => {
    ports = makePorts();
    await ports.tenants.putTenant(operator.tenant);
    await ports.tenants.addKey(operator.key, 'hash');
    await expect(bootstrap(ports, { tenant: 'acme' })).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('works again when no operator key is left', async () => {
    const { key } = await issue({ scopes: ['run', 'admin'] });
    await revokeKey(ports, 'acme', operator.key.id);
    const { key: next } = await bootstrap(ports, { tenant: 'acme' });
    expect((await listKeys(ports, 'acme')).map(({ id }) => id).sort()).toEqual([key.id, next.id].sort());
  });

  test('makes one key when it is called twice at once', async () => {
    ports = makePorts();
    const both = await Promise.allSettled(['a', 'b'].map((tenant) => bootstrap(ports, { tenant })));
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('makes a key of its own where none is given', async () => {
    ports = makePorts();
    const { credential, key } = await bootstrap(ports, { tenant: 'acme' });
    expect(credential).toMatch(/^erd_[0-9A-Za-z]{40}$/);
    expect((await authenticate(ports, credential)).key.id).toBe(key.id);
  });

  test.each(['', 'with space', 'schlüssel', 'x'.repeat(513)])('refuses %j as a key', async (key) => {
    await expect(bootstrap(ports, { tenant: 'acme', key })).rejects.toMatchObject({ code: 'invalid-request' });
  });

  test("refuses another tenant's key", async () => {
    await expect(bootstrap(ports, { tenant: 'other', key: 'demo-key' })).rejects.toMatchObject({
      code: 'invalid-request',
    });
  });
});
