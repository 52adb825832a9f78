// A tenant's secrets: kept sealed, opened only for the run that names them, never returned.

import * as z from 'zod';
import { ApiError } from '../errors.ts';
import { MAX_SECRET_CHARS } from '../limits.ts';
import type { Ports } from '../ports/ports.ts';

type SecretPorts = Pick<Ports, 'tenants' | 'keyring'>;

export const secretNameSchema = z
  .string()
  .regex(/^[A-Za-z_][0-9A-Za-z_]{0,63}$/, 'must be 1 to 64 characters of 0-9 A-Z a-z _, not beginning with a digit');

export const newSecretSchema = z.strictObject({ value: z.string().min(1).max(MAX_SECRET_CHARS) });

export async function putSecret(
  ports: SecretPorts & Pick<Ports, 'clock'>,
  tenant: string,
  secret: { name: string; value: string },
): Promise<void> {
  const sealed = await ports.keyring.seal(secret.value, sealingContext(tenant, secret.name));
  await ports.tenants.putSecret(tenant, secret.name, sealed, ports.clock.now());
}

/** Names and ages only. */
export async function listSecrets(
  ports: Pick<Ports, 'tenants'>,
  tenant: string,
): Promise<{ name: string; updatedAt: string }[]> {
  const secrets = await ports.tenants.secrets(tenant);
  return secrets.map(({ name, updatedAt }) => ({ name, updatedAt: new Date(updatedAt).toISOString() }));
}

export async function removeSecret(ports: Pick<Ports, 'tenants'>, tenant: string, name: string): Promise<void> {
  if (!(await ports.tenants.removeSecret(tenant, name))) {
    throw new ApiError('not-found', `There is no secret '${name}'`);
  }
}

/** The values by name; ApiError('not-found') names the first that is not set. */
export async function openSecrets(
  ports: SecretPorts,
  tenant: string,
  names: readonly string[],
): Promise<Record<string, string>> {
  const opened = await Promise.all(names.map(async (name) => [name, await openSecret(ports, tenant, name)] as const));
  return Object.fromEntries(opened);
}

async function openSecret(ports: SecretPorts, tenant: string, name: string): Promise<string> {
  const sealed = await ports.tenants.secret(tenant, name);
  if (sealed === undefined) throw new ApiError('not-found', `The secret '${name}' is not set`);
  return ports.keyring.open(sealed, sealingContext(tenant, name));
}

function sealingContext(tenant: string, name: string): string {
  return `secret/${tenant}/${name}`;
}
