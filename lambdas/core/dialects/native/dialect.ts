// Our own dialect: its routes, its key (`Authorization: Bearer`), and the one error envelope.

import { authenticate } from '../../access/keys.ts';
import { ApiError, ERRORS, type ErrorCode } from '../../errors.ts';
import { type ApiRequest, type Dialect, json, readBearer, type VendorError } from '../dialect.ts';
import { batchRoutes } from './batch.ts';
import { deliveryRoutes } from './deliveries.ts';
import { draftRoutes } from './drafts.ts';
import { eventRoutes } from './events.ts';
import { fileRoutes } from './files.ts';
import { flowRoutes } from './flows.ts';
import { keyRoutes } from './keys.ts';
import { modelRoutes } from './models.ts';
import { platformRoutes } from './platform.ts';
import { pluginRoutes } from './plugins.ts';
import { runActionRoutes } from './run-actions.ts';
import { runRoutes } from './runs.ts';
import { errorEnvelope } from './schemas.ts';
import { secretRoutes } from './secrets.ts';
import { signalRoutes } from './signals.ts';
import { startRoutes } from './start.ts';
import { tenantRoutes } from './tenants.ts';

// Every code is its own word here; a new one needs no line.
const errors = Object.fromEntries(
  Object.entries(ERRORS).map(([code, { status }]) => [code, { status, code }]),
) as Record<ErrorCode, VendorError>;

function keyOf(request: ApiRequest): string {
  const credential = readBearer(request);
  if (credential !== undefined) return credential;
  throw new ApiError('unauthenticated', 'Send your key as: Authorization: Bearer <key>');
}

export const native: Dialect = {
  name: 'native',
  routes: [
    ...platformRoutes(() => native),
    ...flowRoutes,
    ...draftRoutes,
    ...startRoutes,
    ...batchRoutes,
    ...runRoutes,
    ...eventRoutes,
    ...runActionRoutes,
    ...signalRoutes,
    ...deliveryRoutes,
    ...fileRoutes,
    ...keyRoutes,
    ...secretRoutes,
    ...pluginRoutes,
    ...modelRoutes,
    ...tenantRoutes,
  ],
  authenticate: (request, ports) => authenticate(ports, keyOf(request)),
  errors,
  errorSchema: errorEnvelope,
  error: ({ code, message, details }, { id }) =>
    json(errors[code].status, { error: { code, message, details, requestId: id } }),
};
