// The whole HTTP layer with every dialect, over a platform in memory; and callers that authenticate like the clients of
// their vendor.

import { issueKey, type NewKey } from '../../lambdas/core/access/keys.ts';
import { makeTenant } from '../../lambdas/core/access/tenants.ts';
import { DIALECTS } from '../../lambdas/core/dialects/index.ts';
import type { Ports } from '../../lambdas/core/ports/ports.ts';
import { systemClock } from '../../lambdas/system.ts';
import { type ApiAnswer, type ApiCall, makeApi } from './api-event.ts';
import { authenticateAs } from './dialect-auth.ts';
import { type MemoryPlatform, makePlatform } from './platform.ts';

export interface Holder {
  id: string;
  tenant: string;
  /** With `dialect`, for `authenticateAs`. */
  credentials: Record<string, string>;
}

export interface WholeApi extends MemoryPlatform {
  /** Without a holder, the call is sent unchanged. */
  call(call: ApiCall, holder?: Holder, auth?: string): Promise<ApiAnswer>;
  /** The first key of a tenant creates the tenant. */
  issue(tenant: string, options?: Omit<NewKey, 'tenant'>): Promise<Holder>;
  /** Through the API, with a key of the tenant that has the scope `admin`. */
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

  async function issue(tenant: string, options: Omit<NewKey, 'tenant'> = {}): Promise<Holder> {
    const found = (await ports.tenants.tenant(tenant)) ?? makeTenant(tenant, ports.clock.now());
    await ports.tenants.putTenant(found);
    const issuer = { id: 'key_first', tenant, dialect: 'native', scopes: [...EVERYTHING], createdAt: 0 } as const;
    const caller = { tenant: found, key: { ...issuer, scopes: [...EVERYTHING] } };
    const { key, credentials } = await issueKey(ports, caller, options);
    return { id: key.id, tenant, credentials: { ...credentials, dialect: key.dialect } };
  }

  function call(request: ApiCall, holder?: Holder, auth = 'default'): Promise<ApiAnswer> {
    if (!holder) return send(request);
    const { body, path } = request;
    const isText = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const text = isText ? Buffer.from(body ?? '').toString() : JSON.stringify(body);
    const headers = { ...(body !== undefined && { 'content-type': 'application/json' }), ...request.headers };
    const method = request.method ?? (body === undefined ? 'GET' : 'POST');
    const url = new URL(`${ORIGIN}${path}`);
    const proof = authenticateAs(auth, { method, url, headers, body: text }, holder.credentials);
    return send({ ...request, headers: { ...headers, ...proof } });
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
