// Huawei Cloud's workflow applications: runs belong to a conversation. Errors are `{error_code, error_msg}`.

import type { Dialect } from '../dialect.ts';
import { authenticate } from './authenticate.ts';
import { errorSchema, errors, renderError } from './errors.ts';
import { routes } from './routes.ts';

export const huawei: Dialect = { name: 'huawei', routes, authenticate, errors, errorSchema, renderError };
