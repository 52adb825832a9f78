// Our own API. Errors are `{error: {code, message, details?, requestId}}`.

import type { Dialect } from '../dialect.ts';
import { authenticate } from './authenticate.ts';
import { errorSchema, errors, renderError } from './errors.ts';
import { makeRoutes } from './routes.ts';

// One route returns the description of the whole dialect, so it asks for it later.
const routes = makeRoutes(() => native);

export const native: Dialect = { name: 'native', routes, authenticate, errors, errorSchema, renderError };
