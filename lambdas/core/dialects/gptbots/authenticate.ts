// Authentication: `Bearer <key>`, or the key alone, as an older page of the vendor has it.

import { authenticate as authenticateKey } from '../../access/keys.ts';
import { ApiError } from '../../errors.ts';
import type { Ports } from '../../ports/ports.ts';
import type { ApiRequest, Principal } from '../dialect.ts';

export async function authenticate(request: ApiRequest, ports: Ports): Promise<Principal> {
  return authenticateKey(ports, readKey(request), 'gptbots');
}

function readKey({ headers }: ApiRequest): string {
  const [, key] = /^(?:bearer +)?(\S+) *$/i.exec(headers['authorization'] ?? '') ?? [];
  if (key !== undefined) return key;
  throw new ApiError('unauthenticated', 'Send your key as: Authorization: Bearer <key>');
}
