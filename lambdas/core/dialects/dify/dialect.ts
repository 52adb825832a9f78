// Dify's workflow API: the key selects the app, and so the flow. Errors are `{code, message, status}`.

import type { Dialect } from '../dialect.ts';
import { authenticate } from './authenticate.ts';
import { errorSchema, errors, renderError } from './errors.ts';
import { routes } from './routes.ts';

export const dify: Dialect = { name: 'dify', routes, authenticate, errors, errorSchema, renderError };
