// Huawei Cloud's workflow applications. Errors before a run begins are `{error_code, error_msg}`.

import * as z from 'zod';
import { type Dialect, json, renderErrorIn } from '../dialect.ts';
import { authenticateHuawei } from './authenticate.ts';
import { errors } from './errors.ts';
import { runRoutes } from './routes.ts';
import { uploadRoutes } from './upload.ts';

export const huawei: Dialect = {
  name: 'huawei',
  routes: [...runRoutes, ...uploadRoutes],
  authenticate: authenticateHuawei,
  errors,
  errorSchema: z.object({ error_code: z.string(), error_msg: z.string() }),
  error(error, { id }) {
    const { status, code } = errors[error.code];
    const { message } = renderErrorIn(error, { plugins: 'plugin_configs' });
    return json(status, { error_code: code, error_msg: message }, { 'x-request-id': id });
  },
};
