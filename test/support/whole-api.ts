// The whole HTTP layer, every dialect of it, over a platform in memory; and callers who prove themselves as their
// vendor's clients do.

import { issueKey, type NewKey } from '../../lambdas/core/access/keys.ts';
import { makeTenant } from '../../lambdas/core/access/tenants.ts';
import { DIALECTS } from '../../lambdas/core/dialects/index.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { systemClock } from '../../lambdas/system.ts';
import { type ApiAnswer, type ApiCall, makeApi } from './api-event.ts';
import { proveCaller } from './dialect-auth.ts';
import { type MemoryPlatform, makePlatform } from './platform.ts';

export interface Holder {
  id: string;
  tenant: string;
  /** With `dialect`, as `proveCaller` wants them. */
  credentials: Record<string, string>;
}

export interface WholeApi extends MemoryPlatform {
  /** Without a holder, the call as it is. */
  call(call: ApiCall, holder?: Holder, auth?: string): Promise<ApiAnswer>;
  /** The tenant is made with its first key. */
  issue(tenant: string, asked?: Omit<NewKey, 'tenant'>): Promise<Holder>;
  /** Through the API, by a key of the tenant that may. */
  publishAs(holder: Holder, source: string): Promise<void>;
}

const ORIGIN = 'https://api.example.com';
const EVERYTHING = ['run', 'admin', 'operator'] as const;

export async function makeWholeApi(overrides: Partial<Ports> = {}): Promise<WholeApi> {
  const platform = await makePlatform({ clock: systemClock, ...overrides });
  const { ports } = platform;
  const [native, ...vendors] = DIALECTS;
  if (!native) throw new Error('There is no dialect');
  const send = makeApi([native, ...vendors], ports);

  async function issue(tenant: string, asked: Omit<NewKey, 'tenant'> = {}): Promise<Holder> {
    const found = (await ports.tenants.tenant(tenant)) ?? makeTenant(tenant, ports.clock.now());
    await ports.tenants.putTenant(found);
    const issuer = { id: 'key_first', tenant, dialect: 'native', scopes: [...EVERYTHING], createdAt: 0 } as const;
    const caller = { tenant: found, key: { ...issuer, scopes: [...EVERYTHING] } };
    const { key, credentials } = await issueKey(ports, caller, asked);
    return { id: key.id, tenant, credentials: { ...credentials, dialect: key.dialect } };
  }

  function call(asked: ApiCall, holder?: Holder, auth = 'default'): Promise<ApiAnswer> {
    if (!holder) return send(asked);
    const { body, path } = asked;
    const isText = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const text = isText ? Buffer.from(body ?? '').toString() : JSON.stringify(body);
    const headers = { ...(body !== undefined && { 'content-type': 'application/json' }), ...asked.headers };
    const method = asked.method ?? (body === undefined ? 'GET' : 'POST');
    const url = new URL(`${ORIGIN}${path}`);
    const proof = proveCaller(auth, { method, url, headers, body: text }, holder.credentials);
    return send({ ...asked, headers: { ...headers, ...proof } });
  }

  return {
    ...platform,
    call,
    issue,
    async publishAs(holder, source) {
      const name = /^name: (\S+)/m.exec(source)?.[1];
      const headers = { 'content-type': 'application/yaml' };
      const draft = await call({ method: 'PUT', path: `/v1/flows/${name}/draft`, body: source, headers }, holder);
      const published = await call({ method: 'POST', path: `/v1/flows/${name}/publish`, body: {} }, holder);
      if (published.status !== 201) throw new Error(`${draft.text}\n${published.text}`);
    },
  };
}
