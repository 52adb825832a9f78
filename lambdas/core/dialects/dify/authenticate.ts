// Authentication: the key of `Authorization: Bearer <key>` selects the app. The messages are the vendor's.

import { authenticate as authenticateKey } from '../../access/keys.ts';
import { ApiError } from '../../errors.ts';
import type { Ports } from '../../ports/ports.ts';
import { type ApiRequest, type Principal, readBearer } from '../dialect.ts';

export async function authenticate(request: ApiRequest, ports: Ports): Promise<Principal> {
  const key = readBearer(request);
  if (key === undefined) {
    throw new ApiError('unauthenticated', "Authorization header must be provided and start with 'Bearer'");
  }
  try {
    return await authenticateKey(ports, key, 'dify');
  } catch (error) {
    const isUnknown = error instanceof ApiError && error.code === 'unauthenticated';
    throw isUnknown ? new ApiError('unauthenticated', 'Access token is invalid') : error;
  }
}
