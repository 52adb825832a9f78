// The routes of the native API: one file per resource in `routes/`.

import type { Dialect, Route } from '../dialect.ts';
import { batchRoutes } from './routes/batch.ts';
import { deliveryRoutes } from './routes/deliveries.ts';
import { draftRoutes } from './routes/drafts.ts';
import { eventRoutes } from './routes/events.ts';
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

export const makeRoutes = (dialect: () => Dialect): Route[] => [
  ...platformRoutes(dialect),
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
];
