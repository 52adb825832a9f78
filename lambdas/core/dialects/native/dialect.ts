// Our own dialect: its routes, its key (`Authorization: Bearer`), and the one error envelope.

import { authenticate } from '../../access/keys.ts';
import { ApiError, ERRORS, type ErrorCode } from '../../errors.ts';
import { type ApiRequest, type Dialect, json, readBearer, type VendorError } from '../dialect.ts';
import { eventRoutes } from './events.ts';
import { errorEnvelope } from './render.ts';
import { batchRoutes } from './routes/batch.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { draftRoutes } from './routes/drafts.ts';
import { fileRoutes } from './routes/files.ts';
import { flowRoutes } from './routes/flows.ts';
import { keyRoutes } from './routes/keys.ts';
import { modelRoutes } from './routes/models.ts';
import { platformRoutes } from './routes/platform.ts';
import { pluginRoutes } from './routes/plugins.ts';
import { runActionRoutes } from './routes/run-actions.ts';
import { runRoutes } from './routes/runs.ts';
import { secretRoutes } from './routes/secrets.ts';
import { signalRoutes } from './routes/signals.ts';
import { startRoutes } from './routes/start.ts';
import { tenantRoutes } from './routes/tenants.ts';

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
  renderError: ({ code, message, details }, { id }) =>
    json(errors[code].status, { error: { code, message, details, requestId: id } }),
};
