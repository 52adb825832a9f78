// How each vendor's client authenticates; the signatures follow the vendors' own documentation.

import { createHash, createHmac } from 'node:crypto';

interface Request {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string;
}

type Credentials = Record<string, string>;
type Proof = (request: Request, credentials: Credentials) => Record<string, string>;

const bearer: Proof = (_, { key }) => ({ authorization: `Bearer ${key}` });

/** By dialect, or by the name that a case gives in `auth`. */
const PROOFS: Record<string, Proof> = {
  none: () => ({}),
  native: bearer,
  dify: bearer,
  gptbots: bearer,
  qianfan: bearer,
  'bare-key': (_, { key = '' }) => ({ authorization: key }),
  'wrong-key': () => ({ authorization: 'Bearer app-00000000000000000000000000000000' }),
  huawei: (_, { token = '' }) => ({ 'x-auth-token': token }),
  tencent: (request, credentials) => signTencent(request, credentials, Date.now()),
  'tc3-old': (request, credentials) => signTencent(request, credentials, Date.now() - 6 * 60_000),
  'tc3-early': (request, credentials) => signTencent(request, credentials, Date.now() + 6 * 60_000),
  'tc3-wrong': (request, credentials) => signTencent(request, { ...credentials, secretKey: 'guessed' }, Date.now()),
  'tc3-unknown': (request, credentials) => signTencent(request, { ...credentials, secretId: 'AKIDnobody' }, Date.now()),
  'tc3-skip': () => ({ authorization: 'SKIP' }),
  'sdk-hmac': (request, credentials) => signHuawei(request, credentials, Date.now()),
  'sdk-hmac-old': (request, credentials) => signHuawei(request, credentials, Date.now() - 16 * 60_000),
  'sdk-hmac-early': (request, credentials) => signHuawei(request, credentials, Date.now() + 16 * 60_000),
  'sdk-hmac-wrong': (request, credentials) => signHuawei(request, { ...credentials, secretKey: 'guessed' }, Date.now()),
};

export function authenticateAs(auth: string, request: Request, credentials: Credentials): Record<string, string> {
  const proof = PROOFS[auth === 'default' ? (credentials['dialect'] ?? 'native') : auth];
  if (!proof) throw new Error(`Unknown way to authenticate: '${auth}'`);
  return proof(request, credentials);
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** SDK-HMAC-SHA256 as Huawei's SDK signs: the host with its port, the path with a slash at its end. */
function signHuawei({ method, url, headers, body }: Request, credentials: Credentials, at: number) {
  const { accessKey = '', secretKey = '', projectId = '' } = credentials;
  const date = new Date(at).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const signed: Record<string, string> = {
    'content-type': headers['content-type'] ?? '',
    host: url.host,
    'x-project-id': projectId,
    'x-sdk-date': date,
  };
  const names = Object.keys(signed).sort();
  const query = [...url.searchParams].map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  const lines = names.map((name) => `${name}:${signed[name]}\n`).join('');
  const canonical = [method, `${url.pathname}/`, query.sort().join('&'), lines, names.join(';'), sha256(body)].join(
    '\n',
  );
  const signature = hmac(secretKey, `SDK-HMAC-SHA256\n${date}\n${sha256(canonical)}`).toString('hex');
  return {
    'x-sdk-date': date,
    'x-project-id': projectId,
    authorization: `SDK-HMAC-SHA256 Access=${accessKey}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

/** TC3-HMAC-SHA256 as Tencent's SDK signs: the host without its port, the service its first label. */
function signTencent({ method, url, headers, body }: Request, credentials: Credentials, at: number) {
  const { secretId = '', secretKey = '' } = credentials;
  const timestamp = String(Math.floor(at / 1_000));
  const date = new Date(at).toISOString().slice(0, 10);
  const [service = ''] = url.hostname.split('.');
  const lines = `content-type:${headers['content-type']}\nhost:${url.hostname}\n`;
  const canonical = [method, '/', '', lines, 'content-type;host', sha256(body)].join('\n');
  const toSign = `TC3-HMAC-SHA256\n${timestamp}\n${date}/${service}/tc3_request\n${sha256(canonical)}`;
  const signature = hmac(hmac(hmac(hmac(`TC3${secretKey}`, date), service), 'tc3_request'), toSign).toString('hex');
  const credential = `${secretId}/${date}/${service}/tc3_request`;
  return {
    'x-tc-timestamp': timestamp,
    authorization: `TC3-HMAC-SHA256 Credential=${credential}, SignedHeaders=content-type;host, Signature=${signature}`,
  };
}
