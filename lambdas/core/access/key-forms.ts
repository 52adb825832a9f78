// The credentials of each dialect, in the form that the vendor's own clients expect: how they are made, by what they are
// looked up, and the secrets behind those that only sign. No secret is stored: such secrets are derived on demand.

import { createHash } from 'node:crypto';
import type { Ids, Keyring } from '../ports/ports.ts';
import type { DialectName } from '../run.ts';

/** What the caller is shown once, and the text whose keyed hash finds the key again. */
export interface IssuedForm {
  credentials: Record<string, string>;
  lookup: string;
}

type Form = (ids: Ids, keyring: Pick<Keyring, 'derive'>) => Promise<IssuedForm>;

const NATIVE_KEY_CHARS = 40;
const HEX_CHARS = 32;

// A public id alone opens nothing: the space keeps its lookup out of reach of any Authorization header.
export const tencentLookup = (secretId: string): string => `tencent ${secretId}`;
export const huaweiLookup = (accessKey: string): string => `huawei ${accessKey}`;

const hex = (text: string, chars: number): string => createHash('sha256').update(text).digest('hex').slice(0, chars);

/** Signs Tencent's TC3; 32 characters, as the vendor's. */
export async function tencentSecretKey(keyring: Pick<Keyring, 'derive'>, secretId: string): Promise<string> {
  return alphanumeric(await keyring.derive(`tencent-secret-key ${secretId}`)).slice(0, 32);
}

/** Signs Huawei's SDK-HMAC-SHA256. */
export async function huaweiSecretKey(keyring: Pick<Keyring, 'derive'>, accessKey: string): Promise<string> {
  return alphanumeric(await keyring.derive(`huawei-secret-key ${accessKey}`)).slice(0, 40);
}

/** Huawei's X-Auth-Token: the access key, and a proof that it was issued with it. */
export async function huaweiToken(keyring: Pick<Keyring, 'derive'>, accessKey: string): Promise<string> {
  return `${accessKey}.${alphanumeric(await keyring.derive(`huawei-token ${accessKey}`))}`;
}

/** Tencent's key of an application, which its dialogue API takes within the body: the SecretId, and a proof of it. */
export async function tencentAppKey(keyring: Pick<Keyring, 'derive'>, secretId: string): Promise<string> {
  return `${secretId}${alphanumeric(await keyring.derive(`tencent-app-key ${secretId}`))}`;
}

const TENCENT_SECRET_ID_CHARS = 36;
export const tencentSecretIdIn = (appKey: string): string => appKey.slice(0, TENCENT_SECRET_ID_CHARS);

/** Tencent's number of an application: one per key, decimal, as its clients parse it. */
export function tencentAppBizId(secretId: string): string {
  return (10n ** 18n + (BigInt(`0x${hex(`app ${secretId}`, 16)}`) % (8n * 10n ** 18n))).toString();
}

export const huaweiProjectId = (accessKey: string): string => hex(`project ${accessKey}`, HEX_CHARS);

const alphanumeric = (base64: string): string => base64.replaceAll(/[^0-9A-Za-z]/g, 'x');

export function newNativeKey(ids: Pick<Ids, 'token'>): string {
  return `erd_${ids.token(NATIVE_KEY_CHARS)}`;
}

const bearer = (key: string): Promise<IssuedForm> => Promise.resolve({ credentials: { key }, lookup: key });

export const KEY_FORMS = {
  native: (ids) => bearer(newNativeKey(ids)),
  // Some clients check for exactly 32 letters and digits.
  dify: (ids) => bearer(`app-${ids.token(32)}`),
  gptbots: (ids) => bearer(`app-${ids.token(24)}`),
  qianfan: (ids) => bearer(`bce-v3/ALTAK-${ids.token(21)}/${hex(ids.token(43), 40)}`),
  async huawei(ids, keyring) {
    const accessKey = `HPUA${ids.token(16).toUpperCase()}`;
    const [token, secretKey] = await Promise.all([
      huaweiToken(keyring, accessKey),
      huaweiSecretKey(keyring, accessKey),
    ]);
    const credentials = { token, accessKey, secretKey, projectId: huaweiProjectId(accessKey) };
    return { credentials, lookup: huaweiLookup(accessKey) };
  },
  async tencent(ids, keyring) {
    const secretId = `AKID${ids.token(TENCENT_SECRET_ID_CHARS - 'AKID'.length)}`;
    const [secretKey, appKey] = await Promise.all([
      tencentSecretKey(keyring, secretId),
      tencentAppKey(keyring, secretId),
    ]);
    return {
      credentials: { secretId, secretKey, appBizId: tencentAppBizId(secretId), appKey },
      lookup: tencentLookup(secretId),
    };
  },
} as const satisfies Record<DialectName, Form>;
