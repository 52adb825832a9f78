// The routes of Dify: one file per resource in `routes/`.

import { appRoutes } from './routes/app.ts';
import { fileRoutes } from './routes/files.ts';
import { humanInputRoutes } from './routes/human-input.ts';
import { logRoutes } from './routes/logs.ts';
import { runRoutes } from './routes/runs.ts';

export const routes = [...runRoutes, ...logRoutes, ...appRoutes, ...humanInputRoutes, ...fileRoutes];
