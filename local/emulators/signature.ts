// AWS Signature Version 4, as the stand-ins for AWS check it: in the Authorization header, or in a presigned address.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { CREDENTIALS } from '../credentials.ts';

export interface SignedRequest {
  method?: string | undefined;
  /** Path and query, as they were sent. */
  url?: string | undefined;
  /** By lower-case name. */
  headers: Record<string, string | string[] | undefined>;
}

/** What a signature says of itself. */
interface Claim {
  /** `<day>/<region>/<service>/aws4_request`. */
  scope: string;
  /** `20260101T000000Z`. */
  time: string;
  signedHeaders: string[];
  payloadHash: string;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const AUTHORIZATION = new RegExp(
  `^${ALGORITHM} Credential=([^/]+)/([^,]+), *SignedHeaders=([^,]+), *Signature=(\\w+)$`,
);
const CREDENTIAL = /^([^/]+)\/(.+)$/;
const PAYLOAD_HASH = 'x-amz-content-sha256';
const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

/** Whether whoever sent the request knows the secret of this start, and sent what they signed. */
export function isSigned(request: SignedRequest, now = Date.now()): boolean {
  const query = new URLSearchParams(request.url?.split('?')[1]);
  const found = query.has('X-Amz-Signature') ? readPresigned(query, now) : readHeader(request);
  if (found?.keyId !== CREDENTIALS.accessKeyId) return false;
  const expected = Buffer.from(sign(request, found.claim));
  const actual = Buffer.from(found.signature);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** The headers of a POST to an emulator, with its signature. */
export function signHeaders(url: string, { region, headers, body }: CallToSign): Record<string, string> {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const all = { ...headers, host: new URL(url).host, 'x-amz-date': time, [PAYLOAD_HASH]: digest(body) };
  const signedHeaders = Object.keys(all).sort();
  const scope = `${time.slice(0, 8)}/${region}/local/aws4_request`;
  const signature = sign(
    { method: 'POST', url: new URL(url).pathname, headers: all },
    { scope, time, signedHeaders, payloadHash: all[PAYLOAD_HASH] },
  );
  const parts = [
    `Credential=${CREDENTIALS.accessKeyId}/${scope}`,
    `SignedHeaders=${signedHeaders.join(';')}`,
    `Signature=${signature}`,
  ];
  return { ...all, authorization: `${ALGORITHM} ${parts.join(', ')}` };
}

interface CallToSign {
  region: string;
  headers: Record<string, string>;
  body: string;
}

interface Found {
  keyId: string;
  signature: string;
  claim: Claim;
}

function readHeader({ headers }: SignedRequest): Found | undefined {
  const [, keyId = '', scope = '', names = '', signature = ''] =
    AUTHORIZATION.exec(readText(headers, 'authorization')) ?? [];
  const signedHeaders = names.split(';');
  // A hash that nobody signed would sign any body.
  if (!signedHeaders.includes(PAYLOAD_HASH)) return undefined;
  const claim = {
    scope,
    time: readText(headers, 'x-amz-date'),
    signedHeaders,
    payloadHash: readText(headers, PAYLOAD_HASH),
  };
  return { keyId, signature, claim };
}

function readPresigned(query: URLSearchParams, now: number): Found | undefined {
  const read = (name: string) => query.get(`X-Amz-${name}`) ?? '';
  const time = read('Date');
  const signedAt = Date.parse(time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(now <= signedAt + Number(read('Expires')) * 1_000)) return undefined;
  const [, keyId = '', scope = ''] = CREDENTIAL.exec(read('Credential')) ?? [];
  const claim = { scope, time, signedHeaders: read('SignedHeaders').split(';'), payloadHash: UNSIGNED_PAYLOAD };
  return { keyId, signature: read('Signature'), claim };
}

function sign(request: SignedRequest, { scope, time, signedHeaders, payloadHash }: Claim): string {
  const [path = '/', query = ''] = (request.url ?? '/').split('?');
  const [day = '', region = '', service = ''] = scope.split('/');
  const canonical = [
    request.method ?? '',
    // S3 alone takes the path as it is; everywhere else it is encoded once more.
    service === 's3' ? path : encode(path).replaceAll('%2F', '/'),
    canonicalQuery(query),
    ...signedHeaders.map((name) => `${name}:${readText(request.headers, name).trim().replace(/\s+/g, ' ')}`),
    '',
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
  const text = [ALGORITHM, time, scope, digest(canonical)].join('\n');
  return hmac(findKey(day, region, service), text).toString('hex');
}

function canonicalQuery(query: string): string {
  return [...new URLSearchParams(query.replaceAll('+', '%2B'))]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
}

// A key is good for a day, and deriving it costs more than all the rest.
const keys = new Map<string, Buffer>();

function findKey(day: string, region: string, service: string): Buffer {
  const scope = `${day}/${region}/${service}`;
  const known = keys.get(scope);
  if (known) return known;
  const start: Buffer = Buffer.from(`AWS4${CREDENTIALS.secretAccessKey}`);
  const key = [day, region, service, 'aws4_request'].reduce((made, part) => hmac(made, part), start);
  // Whoever asks names the scope: it must not fill the memory.
  if (keys.size >= 100) keys.clear();
  keys.set(scope, key);
  return key;
}

function readText(headers: SignedRequest['headers'], name: string): string {
  return [headers[name] ?? ''].flat().join(',');
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
