// Authentication: `Authorization: Bearer <key>`.

import { authenticate as authenticateKey } from '../../access/keys.ts';
import type { Ports } from '../../ports/ports.ts';
import { type ApiRequest, type Principal, requireBearer } from '../dialect.ts';

export async function authenticate(request: ApiRequest, ports: Ports): Promise<Principal> {
  return authenticateKey(ports, requireBearer(request), 'native');
}
