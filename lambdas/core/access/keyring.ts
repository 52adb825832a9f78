// Derives one key per purpose from the platform secret, hashes credentials, seals values and makes signal tokens.
// Where the platform secret lives belongs to the loader; what is sealed, to the callers.

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { MAX_SIGNAL_TOKEN_CHARS } from '../limits.ts';
import type { Keyring } from '../ports/ports.ts';
import { isRunId, runIdBytes, runIdFromBytes } from '../run-id.ts';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const RUN_ID_BYTES = 16;
const TOKEN_MAC_BYTES = 16;
const SEALED_VERSION = 'v1.';
const TOKEN_VERSION = 1;

interface Keys {
  pepper: Buffer;
  sealing: Buffer;
  derived: Buffer;
  signals: Buffer;
}

export function makeKeyring(loadMaster: () => Promise<string>): Keyring {
  let keys: Keys | undefined;
  let loading: Promise<Keys> | undefined;

  async function load(): Promise<Keys> {
    keys ??= derive(await loadMaster());
    return keys;
  }

  // A failed load is forgotten, so that one throttled call does not disable the process for its whole life.
  function loaded(): Promise<Keys> {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  }

  function signalKey(): Buffer {
    if (!keys) throw new Error('The keyring is not ready: await ready() before making or reading signal tokens');
    return keys.signals;
  }

  return {
    ready: async () => {
      await loaded();
    },
    hashKey: async (credential) => mac((await loaded()).pepper, credential).toString('hex'),
    seal: async (plain, context) => seal((await loaded()).sealing, plain, context),
    open: async (sealed, context) => open((await loaded()).sealing, sealed, context),
    derive: async (purpose) => mac((await loaded()).derived, purpose).toString('base64'),
    signalToken: (runId, path) => signalToken(signalKey(), runId, path),
    readSignalToken: (token) => readSignalToken(signalKey(), token),
  };
}

function derive(master: string): Keys {
  const key = (purpose: string) => Buffer.from(hkdfSync('sha256', master, '', `errand/v1/${purpose}`, KEY_BYTES));
  return {
    pepper: key('key-pepper'),
    sealing: key('sealing'),
    derived: key('derived-secrets'),
    signals: key('signal-tokens'),
  };
}

function mac(key: Buffer, content: string | Buffer): Buffer {
  return createHmac('sha256', key).update(content).digest();
}

// A key per context, so that random nonces never come near the 2^32 messages that one AES-GCM key allows.
function seal(root: Buffer, plain: string, context: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', mac(root, context), nonce).setAAD(Buffer.from(context));
  const sealed = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return SEALED_VERSION + sealed.toString('base64url');
}

function open(root: Buffer, sealed: string, context: string): string {
  const bytes = Buffer.from(sealed.slice(SEALED_VERSION.length), 'base64url');
  if (!sealed.startsWith(SEALED_VERSION) || bytes.length < NONCE_BYTES + TAG_BYTES) {
    throw new Error(`This is not a sealed value (context '${context}')`);
  }
  const key = mac(root, context);
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const plain = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
    return Buffer.concat(plain).toString('utf8');
  } catch (cause) {
    throw new Error(`A sealed value was changed or belongs elsewhere (context '${context}')`, { cause });
  }
}

// version (1 byte) | run id (16) | node path (UTF-8) | truncated HMAC (16), as base64url
function signalToken(key: Buffer, runId: string, path: string): string {
  if (!isRunId(runId)) throw new Error(`'${runId}' is not a run id`);
  const address = Buffer.concat([Buffer.of(TOKEN_VERSION), runIdBytes(runId), Buffer.from(path)]);
  return Buffer.concat([address, mac(key, address).subarray(0, TOKEN_MAC_BYTES)]).toString('base64url');
}

function readSignalToken(key: Buffer, token: string): { runId: string; path: string } | undefined {
  if (token.length > MAX_SIGNAL_TOKEN_CHARS || !/^[\w-]+$/.test(token)) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length <= 1 + RUN_ID_BYTES + TOKEN_MAC_BYTES || bytes[0] !== TOKEN_VERSION) return undefined;
  const address = bytes.subarray(0, -TOKEN_MAC_BYTES);
  const expected = mac(key, address).subarray(0, TOKEN_MAC_BYTES);
  if (!timingSafeEqual(expected, bytes.subarray(-TOKEN_MAC_BYTES))) return undefined;
  const runId = runIdFromBytes(address.subarray(1, 1 + RUN_ID_BYTES));
  return { runId, path: address.subarray(1 + RUN_ID_BYTES).toString('utf8') };
}
