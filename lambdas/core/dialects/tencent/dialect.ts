// Tencent Cloud's workflow applications: actions of API 3.0 at one path, and a dialogue as a stream. The response of an
// action, and its error, are inside `Response`.

import type { Dialect } from '../dialect.ts';
import { authenticate } from './authenticate.ts';
import { errorSchema, errors, renderError } from './errors.ts';
import { routes } from './routes.ts';

export const tencent: Dialect = { name: 'tencent', routes, authenticate, errors, errorSchema, renderError };
