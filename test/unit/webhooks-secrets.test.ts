import { describe, expect, test } from 'vitest';
import { makeKeyring } from '../../lambdas/core/access/keyring.ts';
import { makeCaches } from '../../lambdas/core/access/ttl-cache.ts';
import {
  readDeliverySecret,
  readSigningSecrets,
  rotateWebhookSecret,
} from '../../lambdas/core/deliver/signing-secrets.ts';
import { makeFakeClock } from '../support/fake-clock.ts';
import { makeMemoryTenantStore } from '../support/memory-tenant-store.ts';

const HOURS = 60 * 60 * 1_000;

function makePorts() {
  let made = 0;
  return {
    clock: makeFakeClock(),
    tenants: makeMemoryTenantStore(),
    caches: makeCaches(),
    keyring: makeKeyring(async () => 'a platform secret of more than 32 characters'),
    ids: {
      run: () => 'unused',
      random: () => 0,
      token(chars: number) {
        made += 1;
        return String(made).padStart(chars, '0');
      },
    },
  };
}

describe('the webhook secret of a tenant', () => {
  test('is there from the start, the same for everybody who asks, and another for every tenant', async () => {
    const ports = makePorts();
    const secret = await readDeliverySecret(ports, 'acme');
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(await readSigningSecrets(ports, 'acme')).toEqual([secret]);
    expect(await readDeliverySecret(ports, 'other')).not.toBe(secret);
  });

  test('once rotated signs beside the old one for 24 hours, and then alone', async () => {
    const ports = makePorts();
    const old = await readDeliverySecret(ports, 'acme');
    const fresh = await rotateWebhookSecret(ports, 'acme');
    expect(await readDeliverySecret(ports, 'acme')).toBe(fresh);
    expect(await readSigningSecrets(ports, 'acme')).toEqual([fresh, old]);
    ports.clock.advance(24 * HOURS - 1);
    expect(await readSigningSecrets(ports, 'acme')).toEqual([fresh, old]);
    ports.clock.advance(1);
    expect(await readSigningSecrets(ports, 'acme')).toEqual([fresh]);
  });

  test('rotated again keeps the end of the first overlap', async () => {
    const ports = makePorts();
    const first = await readDeliverySecret(ports, 'acme');
    const second = await rotateWebhookSecret(ports, 'acme');
    ports.clock.advance(20 * HOURS);
    const third = await rotateWebhookSecret(ports, 'acme');
    expect(await readSigningSecrets(ports, 'acme')).toEqual([third, second, first]);
    ports.clock.advance(4 * HOURS);
    expect(await readSigningSecrets(ports, 'acme')).toEqual([third, second]);
  });

  test('rotated by two at once loses neither secret', async () => {
    const ports = makePorts();
    const first = await readDeliverySecret(ports, 'acme');
    const rotated = await Promise.all([rotateWebhookSecret(ports, 'acme'), rotateWebhookSecret(ports, 'acme')]);
    const signing = await readSigningSecrets(ports, 'acme');
    expect(signing).toHaveLength(3);
    expect(signing).toEqual(expect.arrayContaining([...rotated, first]));
  });

  test('is stored sealed', async () => {
    const ports = makePorts();
    const secret = await rotateWebhookSecret(ports, 'acme');
    expect(JSON.stringify(await ports.tenants.webhookSecrets('acme'))).not.toContain(secret.slice(6));
  });

  test('never makes a request carry more than five signatures', async () => {
    const ports = makePorts();
    for (let rotation = 0; rotation < 8; rotation++) await rotateWebhookSecret(ports, 'acme');
    expect(await readSigningSecrets(ports, 'acme')).toHaveLength(5);
  });
});
