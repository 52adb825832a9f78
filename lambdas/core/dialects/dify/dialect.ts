// Dify's workflow API: the key selects the app, hence the flow. Errors are `{code, message, status}`.

import * as z from 'zod';
import { authenticate } from '../../access/keys.ts';
import { ApiError } from '../../errors.ts';
import { type ApiRequest, type Dialect, json, readBearer } from '../dialect.ts';
import { errors, renderMessage, saidBy } from './errors.ts';
import { humanInputRoutes } from './human-input.ts';
import { appRoutes } from './routes/app.ts';
import { uploadRoutes } from './routes/files.ts';
import { runsRoutes } from './routes/logs.ts';
import { runRoutes } from './routes/runs.ts';

function keyOf(request: ApiRequest): string {
  const key = readBearer(request);
  if (key !== undefined) return key;
  throw new ApiError('unauthenticated', "Authorization header must be provided and start with 'Bearer'");
}

async function authenticateDify(request: ApiRequest, ports: Parameters<Dialect['authenticate']>[1]) {
  try {
    return await authenticate(ports, keyOf(request), 'dify');
  } catch (error) {
    const isUnknown = error instanceof ApiError && !error.message.startsWith('Authorization header');
    if (isUnknown && error.code === 'unauthenticated') throw new ApiError('unauthenticated', 'Access token is invalid');
    throw error;
  }
}

export const dify: Dialect = {
  name: 'dify',
  routes: [...runRoutes, ...runsRoutes, ...appRoutes, ...humanInputRoutes, ...uploadRoutes],
  authenticate: authenticateDify,
  errors,
  errorSchema: z.object({ code: z.string(), message: z.string(), status: z.int() }),
  renderError(error) {
    const { status, code } = saidBy(error);
    const challenge = status === 401 ? { 'www-authenticate': 'Bearer realm="api"' } : undefined;
    return json(status, { code, message: renderMessage(error), status }, challenge);
  },
};
