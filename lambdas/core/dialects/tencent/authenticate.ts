// Authentication: a TC3-HMAC-SHA256 signature over the exact bytes of the body, or the application's key in a dialogue.

import { createHash, createHmac } from 'node:crypto';
import { constantTimeEqual } from '../../access/constant-time.ts';
import { tencentAppKey, tencentLookup, tencentSecretIdIn, tencentSecretKey } from '../../access/key-forms.ts';
import { authenticateSigner } from '../../access/keys.ts';
import { ApiError } from '../../errors.ts';
import type { Ports } from '../../ports/ports.ts';
import type { ApiRequest, Principal } from '../dialect.ts';
import { TencentError } from './errors.ts';
import { isDialogue } from './events.ts';

const MAX_SKEW_SECONDS = 5 * 60;
const AUTHORIZATION =
  /^TC3-HMAC-SHA256 +Credential=([^/,\s]+)\/(\d{4}-\d{2}-\d{2})\/([^/,\s]+)\/tc3_request, *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$/;

const unauthenticated = (vendorCode: string, message: string) =>
  new TencentError('unauthenticated', vendorCode, message);

interface Authorization {
  secretId: string;
  date: string;
  service: string;
  names: string[];
  signature: string;
}

function readAuthorization({ headers }: Pick<ApiRequest, 'headers'>): Authorization {
  const [, secretId = '', date = '', service = '', names = '', signature] =
    AUTHORIZATION.exec(headers['authorization'] ?? '') ?? [];
  if (signature !== undefined) return { secretId, date, service, names: names.toLowerCase().split(';'), signature };
  throw unauthenticated('AuthFailure.InvalidAuthorization', 'Authorization is not a TC3-HMAC-SHA256 signature');
}

export const readSecretId = (request: Pick<ApiRequest, 'headers'>): string => readAuthorization(request).secretId;

export async function authenticate(request: ApiRequest, ports: Ports): Promise<Principal> {
  if (isDialogue(request)) return authenticateAppKey(request, ports);
  const signed = readAuthorization(request);
  const timestamp = request.headers['x-tc-timestamp'] ?? '';
  checkTime(signed, timestamp, ports.clock.now());
  const secret = await tencentSecretKey(ports.keyring, signed.secretId);
  // The vendor's SDK signs the host without the port, and sends it with the port.
  const host = request.headers['host'] ?? '';
  const isValid = [host, host.replace(/:\d+$/, '')].some((it) =>
    constantTimeEqual(signed.signature, sign(request, { signed, timestamp, host: it, secret })),
  );
  const principal = await findPrincipal(ports, signed.secretId);
  if (isValid) return principal;
  throw unauthenticated('AuthFailure.SignatureFailure', 'The signature does not match the request');
}

/** The dialogue API has no signature: the body holds the application's key. */
async function authenticateAppKey({ body }: ApiRequest, ports: Ports): Promise<Principal> {
  const appKey = readAppKey(body);
  const secretId = tencentSecretIdIn(appKey);
  if (!constantTimeEqual(appKey, await tencentAppKey(ports.keyring, secretId))) {
    throw unauthenticated('AuthFailure.SecretIdNotFound', 'bot_app_key is missing or unknown');
  }
  return findPrincipal(ports, secretId);
}

function readAppKey(body: Uint8Array): string {
  try {
    const { bot_app_key } = JSON.parse(new TextDecoder().decode(body)) as { bot_app_key?: unknown };
    return typeof bot_app_key === 'string' ? bot_app_key.slice(0, 128) : '';
  } catch {
    return '';
  }
}

async function findPrincipal(ports: Ports, secretId: string): Promise<Principal> {
  try {
    return await authenticateSigner(ports, tencentLookup(secretId), 'tencent');
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'unauthenticated') throw error;
    throw unauthenticated('AuthFailure.SecretIdNotFound', 'The SecretId is unknown');
  }
}

function checkTime({ date, names }: Authorization, timestamp: string, now: number): void {
  if (!names.includes('host')) throw unauthenticated('AuthFailure.InvalidAuthorization', 'host must be signed');
  const seconds = /^\d{1,12}$/.test(timestamp) ? Number(timestamp) : Number.NaN;
  if (!(Math.abs(seconds - now / 1_000) <= MAX_SKEW_SECONDS)) {
    throw unauthenticated(
      'AuthFailure.SignatureExpire',
      'X-TC-Timestamp is missing, or differs from our time by more than five minutes',
    );
  }
  if (new Date(seconds * 1_000).toISOString().slice(0, 10) !== date) {
    throw unauthenticated('AuthFailure.SignatureExpire', 'The date of the credential is not that of X-TC-Timestamp');
  }
}

const sha256 = (content: string | Uint8Array): string => createHash('sha256').update(content).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

function sign(
  request: ApiRequest,
  { signed, timestamp, host, secret }: { signed: Authorization; timestamp: string; host: string; secret: string },
): string {
  const { date, service, names } = signed;
  const header = (name: string) => (name === 'host' ? host : (request.headers[name] ?? ''));
  const headers = names.map((name) => `${name}:${header(name).trim().toLowerCase()}\n`).join('');
  const query = request.query.toString();
  const canonical = [request.method, '/', query, headers, names.join(';'), sha256(request.body)].join('\n');
  const toSign = `TC3-HMAC-SHA256\n${timestamp}\n${date}/${service}/tc3_request\n${sha256(canonical)}`;
  const key = hmac(hmac(hmac(`TC3${secret}`, date), service), 'tc3_request');
  return hmac(key, toSign).toString('hex');
}
