// Who makes a call, once its key is known.

import type { Key, Tenant } from '../ports/catalog.ts';

export interface Caller {
  tenant: Tenant;
  key: Key;
  /** Base URL under which the caller reached us. */
  origin: string;
}
