// Authentication: an opaque token, or a signature of Huawei's SDK (SDK-HMAC-SHA256 over the exact bytes).
// https://support.huaweicloud.com/devg-apisign/api-sign-algorithm.html

import { createHash, createHmac } from 'node:crypto';
import { constantTimeEqual } from '../../access/constant-time.ts';
import { huaweiLookup, huaweiSecretKey, huaweiToken } from '../../access/key-forms.ts';
import { authenticateSigner } from '../../access/keys.ts';
import { ApiError } from '../../errors.ts';
import type { Ports } from '../../ports/ports.ts';
import type { ApiRequest, Principal } from '../dialect.ts';

const MAX_SKEW_MS = 15 * 60 * 1_000;
const SIGNATURE = /^SDK-HMAC-SHA256 +Access=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$/;

const unauthenticated = (message: string): ApiError => new ApiError('unauthenticated', message);

export async function authenticate(request: ApiRequest, ports: Ports): Promise<Principal> {
  const token = request.headers['x-auth-token'];
  if (token !== undefined) return authenticateToken(token, ports);
  const authorization = request.headers['authorization'];
  if (authorization !== undefined) return authenticateSignature(authorization, request, ports);
  throw unauthenticated('Send a token as X-Auth-Token, or sign the request with an access key');
}

async function authenticateToken(token: string, ports: Ports): Promise<Principal> {
  const [accessKey = ''] = token.split('.', 1);
  if (!constantTimeEqual(token, await huaweiToken(ports.keyring, accessKey))) throw unauthenticated('Incorrect token');
  return authenticateSigner(ports, huaweiLookup(accessKey), 'huawei');
}

async function authenticateSignature(authorization: string, request: ApiRequest, ports: Ports): Promise<Principal> {
  const [, accessKey, signedHeaders, signature] = SIGNATURE.exec(authorization) ?? [];
  if (accessKey === undefined || signedHeaders === undefined || signature === undefined) {
    throw unauthenticated('Authorization is not an SDK-HMAC-SHA256 signature');
  }
  const date = request.headers['x-sdk-date'] ?? '';
  const names = signedHeaders.toLowerCase().split(';');
  // Headers that are not signed could be replaced on the way.
  if (!names.includes('x-sdk-date') || !names.includes('host'))
    throw unauthenticated('host and X-Sdk-Date must be signed');
  if (!(Math.abs(readTime(date) - ports.clock.now()) <= MAX_SKEW_MS))
    throw unauthenticated('X-Sdk-Date is missing or too old');
  const secret = await huaweiSecretKey(ports.keyring, accessKey);
  const isSigned = (path: string) => {
    const hash = createHash('sha256')
      .update(canonicalize(request, path, names))
      .digest('hex');
    const expected = createHmac('sha256', secret).update(`SDK-HMAC-SHA256\n${date}\n${hash}`).digest('hex');
    return constantTimeEqual(signature, expected);
  };
  if (!listPaths(request).some(isSigned)) throw unauthenticated('The signature does not match the request');
  return authenticateSigner(ports, huaweiLookup(accessKey), 'huawei');
}

/** `20260131T120000Z` */
function readTime(date: string): number {
  const [, day, time] = /^(\d{8})T(\d{6})Z$/.exec(date) ?? [];
  if (day === undefined || time === undefined) return Number.NaN;
  const iso = day.replace(/(....)(..)(..)/, '$1-$2-$3');
  return Date.parse(`${iso}T${time.replace(/(..)(..)(..)/, '$1:$2:$3')}Z`);
}

/** The caller signs the path of its URL, which begins with the prefix of a stage where there is one. */
function listPaths({ origin, path }: ApiRequest): string[] {
  const prefix = (URL.parse(origin)?.pathname ?? '').replace(/\/$/, '');
  return prefix === '' ? [path] : [`${prefix}${path}`, path];
}

function canonicalize(request: ApiRequest, signedPath: string, names: readonly string[]): string {
  const path = signedPath.split('/').map(reencode).join('/');
  const query = [...request.query]
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const headers = names.map((name) => `${name}:${(request.headers[name] ?? '').trim()}\n`).join('');
  const body = createHash('sha256').update(request.body).digest('hex');
  return [request.method, path.endsWith('/') ? path : `${path}/`, query, headers, names.join(';'), body].join('\n');
}

const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (it) => `%${it.charCodeAt(0).toString(16).toUpperCase()}`);

function reencode(segment: string): string {
  try {
    return encode(decodeURIComponent(segment));
  } catch {
    return segment;
  }
}
