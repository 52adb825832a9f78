// Signatures that somebody has captured: of use for minutes, for the very same bytes, and for nothing else.

import { Webhook } from 'standardwebhooks';
import { beforeAll, describe, expect, test } from 'vitest';
import { signHeaders } from '../../lambdas/core/deliver/signature.ts';
import { authenticateAs } from '../support/dialect-auth.ts';
import { type Holder, makeWholeApi, type WholeApi } from '../support/whole-api.ts';

const ORIGIN = 'https://api.example.com';
const WIRES = {
  tencent: { path: '/', headers: { 'x-tc-action': 'DescribeWorkflowRun', 'x-tc-version': '2023-11-30' } },
  huawei: { path: '/v1/p1/conversations/c1/cancel?workflow_id=greet', headers: {} },
} as const;
type Signing = keyof typeof WIRES;

let api: WholeApi;
let holders: Record<Signing, Holder>;

beforeAll(async () => {
  api = await makeWholeApi();
  const issue = (dialect: Signing) => api.issue('acme', { dialect, flow: 'greet' });
  holders = { tencent: await issue('tencent'), huawei: await issue('huawei') };
});

interface Captured {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
}

function capture(vendor: Signing, auth: string, body = '{}'): Captured {
  const { path, headers } = WIRES[vendor];
  const sent = { 'content-type': 'application/json', ...headers };
  const url = new URL(`${ORIGIN}${path}`);
  const proof = authenticateAs(auth, { method: 'POST', url, headers: sent, body }, holders[vendor].credentials);
  return { method: 'POST', path, headers: { ...sent, ...proof }, body };
}

async function isLetIn(call: Captured): Promise<boolean> {
  const { status, text } = await api.call(call);
  expect(status).toBeLessThan(500);
  return status !== 401 && !text.includes('AuthFailure');
}

const AUTHS = { tencent: 'default', huawei: 'sdk-hmac' } as const;

describe.each(['tencent', 'huawei'] as const)('of %s', (vendor) => {
  const good = () => capture(vendor, AUTHS[vendor]);

  test('lets in whoever signed just now', async () => {
    expect(await isLetIn(good())).toBe(true);
  });

  test.each(['old', 'early', 'wrong'])('is refused when it is %s', async (how) => {
    const name = vendor === 'tencent' ? `tc3-${how}` : `sdk-hmac-${how}`;
    expect(await isLetIn(capture(vendor, name))).toBe(false);
  });

  test.each<[string, (call: Captured) => Partial<Captured>]>([
    ['another body', () => ({ body: '{ }' })],
    ['another path', () => ({ path: '/v1/p1/conversations/c2/cancel' })],
    ['another query', ({ path }) => ({ path: `${path}${path.includes('?') ? '&' : '?'}more=1` })],
    ['another host', ({ headers }) => ({ headers: { ...headers, host: 'other.example.com' } })],
    [
      'a later time',
      ({ headers }) => {
        const later = Math.floor(Date.now() / 1_000) + 60;
        const date = new Date(later * 1_000).toISOString().replace(/[-:]|\.\d{3}/g, '');
        return { headers: { ...headers, 'x-tc-timestamp': String(later), 'x-sdk-date': date } };
      },
    ],
    [
      'no signed host',
      ({ headers }) => {
        const authorization = headers['authorization']?.replace(/;host|host;/, '') ?? '';
        return { headers: { ...headers, authorization } };
      },
    ],
    [
      'a signature that is cut',
      ({ headers }) => ({ headers: { ...headers, authorization: headers['authorization']?.slice(0, -2) ?? '' } }),
    ],
  ])('is refused with %s', async (_, changed) => {
    const call = good();
    expect(await isLetIn({ ...call, ...changed(call) })).toBe(false);
  });

  test('is refused once its key is revoked, for longer than the cache remembers', async () => {
    const { tenants } = api.ports;
    const gone = await api.issue('acme', { dialect: vendor, flow: 'greet' });
    await tenants.removeKey('acme', gone.id);
    const before = holders[vendor];
    holders[vendor] = gone;
    expect(await isLetIn(good())).toBe(false);
    holders[vendor] = before;
  });
});

test('of a webhook is refused by receivers once it is older than five minutes', () => {
  const secret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const receiver = new Webhook(secret);
  const sentAt = (ageMs: number) => signHeaders({ id: 'msg_1', at: Date.now() - ageMs, body: '{}' }, [secret]);
  expect(() => receiver.verify('{}', sentAt(4 * 60_000))).not.toThrow();
  expect(() => receiver.verify('{}', sentAt(6 * 60_000))).toThrow(/too old/);
  expect(() => receiver.verify('{}', sentAt(-6 * 60_000))).toThrow(/too new/);
});
