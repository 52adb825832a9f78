// How each vendor's client proves who it is; signing ones are written from the vendors' own descriptions.

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
};

export function proveCaller(auth: string, request: Request, credentials: Credentials): Record<string, string> {
  const proof = PROOFS[auth === 'default' ? (credentials['dialect'] ?? 'native') : auth];
  if (!proof) throw new Error(`There is no way '${auth}' to prove a caller`);
  return proof(request, credentials);
}
