import { beforeEach, describe, expect, test } from 'vitest';
import { makeKeyring } from '../../lambdas/core/access/keyring.ts';
import {
  listSecrets,
  newSecretSchema,
  openSecrets,
  putSecret,
  removeSecret,
  secretNameSchema,
} from '../../lambdas/core/access/secrets.ts';
import {
  createTenant,
  getTenant,
  listTenants,
  newTenantSchema,
  readTenant,
  renderTenant,
  tenantUpdateSchema,
  updateTenant,
} from '../../lambdas/core/access/tenants.ts';
import { makeCaches, makeTtlCache } from '../../lambdas/core/access/ttl-cache.ts';
import { makeFakeClock } from '../support/fake-clock.ts';
import { makeMemoryTenantStore } from '../support/memory-tenant-store.ts';

function makePorts() {
  return {
    clock: makeFakeClock(),
    tenants: makeMemoryTenantStore(),
    caches: makeCaches(),
    ids: { run: () => 'unused', random: () => 0, token: (chars: number) => 'x'.repeat(chars) },
    keyring: makeKeyring(async () => 'a platform secret of more than 32 characters'),
  };
}

let ports: ReturnType<typeof makePorts>;
beforeEach(() => {
  ports = makePorts();
});

describe('a tenant', () => {
  test('begins with the default limits and async runs', async () => {
    expect(renderTenant(await createTenant(ports, { id: 'acme' }))).toEqual({
      id: 'acme',
      name: 'acme',
      limits: { concurrency: 50, queued: 10_000, sync: 100 },
      entitlements: { async: true },
      creditsPerUsd: 100,
      createdAt: '2026-01-02T03:04:05.678Z',
    });
  });

  test('without an id is given one', async () => {
    const { id } = await createTenant(ports, { name: 'Acme' });
    expect(await getTenant(ports, id)).toMatchObject({ id, name: 'Acme' });
  });

  test('cannot be created twice, and the first stays as it was', async () => {
    await createTenant(ports, { id: 'acme', name: 'First' });
    await expect(createTenant(ports, { id: 'acme', name: 'Second' })).rejects.toMatchObject({
      code: 'invalid-request',
      details: [{ field: 'id' }],
    });
    expect((await ports.tenants.tenant('acme'))?.name).toBe('First');
  });

  test('keeps what an update does not name', async () => {
    await createTenant(ports, { id: 'acme', limits: { concurrency: 7, sync: 3 } });
    await updateTenant(ports, 'acme', { limits: { sync: 0 }, entitlements: { async: false } });
    expect(await getTenant(ports, 'acme')).toMatchObject({
      name: 'acme',
      limits: { concurrency: 7, queued: 10_000, sync: 0 },
      entitlements: { async: false },
    });
  });

  test('that does not exist can be neither read nor updated', async () => {
    await expect(getTenant(ports, 'nobody')).rejects.toMatchObject({ code: 'not-found' });
    await expect(updateTenant(ports, 'nobody', { name: 'x' })).rejects.toMatchObject({ code: 'not-found' });
  });

  test('changed elsewhere is seen here within 30 seconds', async () => {
    const tenant = await createTenant(ports, { id: 'acme' });
    await ports.tenants.putTenant({ ...tenant, name: 'Renamed' });
    expect((await getTenant(ports, 'acme')).name).toBe('acme');
    ports.clock.advance(30_000);
    expect((await getTenant(ports, 'acme')).name).toBe('Renamed');
  });

  test('changed elsewhere is shown to an operator at once', async () => {
    const tenant = await createTenant(ports, { id: 'acme' });
    await ports.tenants.putTenant({ ...tenant, name: 'Renamed' });
    expect((await readTenant(ports, 'acme')).name).toBe('Renamed');
  });

  test('is listed with the others, page by page', async () => {
    for (const id of ['a', 'b', 'c']) await createTenant(ports, { id });
    const first = await listTenants(ports, { limit: 2 });
    const second = await listTenants(ports, { limit: 2, cursor: first.next ?? '' });
    expect([first, second].map(({ tenants }) => tenants.map(({ id }) => id))).toEqual([['a', 'b'], ['c']]);
  });

  test.each([
    [{ id: '' }],
    [{ id: 'a/b' }],
    [{ id: 'a#b' }],
    [{ id: '-a' }],
    [{ id: 'x'.repeat(65) }],
    [{ limits: { concurrency: 0 } }],
    [{ limits: { concurrency: 201 } }],
    [{ limits: { concurrency: 1.5 } }],
    [{ limits: { queued: -1 } }],
    [{ limits: { speed: 1 } }],
    [{ entitlements: { async: 'yes' } }],
    [{ creditsPerUsd: 0 }],
    [{ creditsPerUsd: 1e-320 }],
    [{ name: '  ' }],
    [{ nmae: 'typo' }],
  ])('cannot be asked for with %j', (asked) => {
    expect(newTenantSchema.safeParse(asked).success).toBe(false);
  });

  test('cannot change its id', () => {
    expect(tenantUpdateSchema.safeParse({ id: 'other' }).success).toBe(false);
  });
});

describe('secrets', () => {
  test('are opened for the tenant they belong to, by name', async () => {
    await putSecret(ports, 'acme', { name: 'CRM_TOKEN', value: 'hunter2' });
    await putSecret(ports, 'acme', { name: 'API_KEY', value: 'schlüssel' });
    expect(await openSecrets(ports, 'acme', ['API_KEY', 'CRM_TOKEN'])).toEqual({
      API_KEY: 'schlüssel',
      CRM_TOKEN: 'hunter2',
    });
    expect(await openSecrets(ports, 'acme', [])).toEqual({});
  });

  test('are never stored or listed in clear', async () => {
    await putSecret(ports, 'acme', { name: 'CRM_TOKEN', value: 'hunter2' });
    expect(await ports.tenants.secret('acme', 'CRM_TOKEN')).not.toContain('hunter2');
    expect(await listSecrets(ports, 'acme')).toEqual([{ name: 'CRM_TOKEN', updatedAt: '2026-01-02T03:04:05.678Z' }]);
  });

  test('do not open for a tenant or a name to which somebody copied them', async () => {
    await putSecret(ports, 'acme', { name: 'CRM_TOKEN', value: 'hunter2' });
    const sealed = (await ports.tenants.secret('acme', 'CRM_TOKEN')) ?? '';
    await ports.tenants.putSecret('other', 'CRM_TOKEN', sealed, 0);
    await expect(openSecrets(ports, 'other', ['CRM_TOKEN'])).rejects.toThrow('belongs elsewhere');
  });

  test('that are not set are named', async () => {
    await expect(openSecrets(ports, 'acme', ['MISSING'])).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining("'MISSING'"),
    });
  });

  test('are gone once removed', async () => {
    await putSecret(ports, 'acme', { name: 'CRM_TOKEN', value: 'hunter2' });
    await removeSecret(ports, 'acme', 'CRM_TOKEN');
    await expect(openSecrets(ports, 'acme', ['CRM_TOKEN'])).rejects.toMatchObject({ code: 'not-found' });
    await expect(removeSecret(ports, 'acme', 'CRM_TOKEN')).rejects.toMatchObject({ code: 'not-found' });
  });

  test.each(['', '1ST', 'A-B', 'A B', 'a#b', 'x'.repeat(65)])('cannot be named %j', (name) => {
    expect(secretNameSchema.safeParse(name).success).toBe(false);
  });

  test.each([{}, { value: '' }, { value: 1 }, { value: 'x'.repeat(8_193) }, { value: 'x', name: 'A' }])(
    'cannot be set to %j',
    (asked) => {
      expect(newSecretSchema.safeParse(asked).success).toBe(false);
    },
  );
});

describe('a cache', () => {
  test('forgets the oldest first when it is full, and everything in time', () => {
    const cache = makeTtlCache<number>({ ttlSeconds: 10, maxEntries: 2 });
    cache.set('a', 1, 0);
    cache.set('b', 2, 1);
    cache.set('a', 3, 2);
    cache.set('c', 4, 3);
    expect([cache.get('a', 4), cache.get('b', 4), cache.get('c', 4)]).toEqual([3, undefined, 4]);
    expect([cache.get('a', 10_002), cache.get('c', 10_002)]).toEqual([undefined, 4]);
  });

  test('makes room for nothing when it writes over what it has', () => {
    const cache = makeTtlCache<number>({ ttlSeconds: 10, maxEntries: 1 });
    cache.set('a', 1, 0);
    cache.set('a', 2, 0);
    expect(cache.get('a', 0)).toBe(2);
    cache.delete('a');
    expect(cache.get('a', 0)).toBeUndefined();
  });
});
