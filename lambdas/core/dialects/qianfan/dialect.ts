// Baidu Qianfan's workflow components. Errors are `{request_id, code, message}`.

import type { Dialect } from '../dialect.ts';
import { authenticate } from './authenticate.ts';
import { errorSchema, errors, renderError } from './errors.ts';
import { routes } from './routes.ts';

export const qianfan: Dialect = { name: 'qianfan', routes, authenticate, errors, errorSchema, renderError };
