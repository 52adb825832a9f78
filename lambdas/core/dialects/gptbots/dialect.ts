// GPTBots' workflow API: a key belongs to one workflow. Errors are `{code, message}`.

import type { Dialect } from '../dialect.ts';
import { authenticate } from './authenticate.ts';
import { errorSchema, errors, renderError } from './errors.ts';
import { routes } from './routes.ts';

export const gptbots: Dialect = { name: 'gptbots', routes, authenticate, errors, errorSchema, renderError };
