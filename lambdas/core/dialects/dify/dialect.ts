// Dify's workflow API: the key selects the app, and so the flow. Errors are `{code, message, status}`.

import { type Dialect, readBearer } from '../dialect.ts';
import { authenticate } from './authenticate.ts';
import { errorSchema, errors, renderError } from './errors.ts';
import { routes } from './routes.ts';

// The form of its keys, and the calls of its other kinds of apps.
const KEY = /^app-[A-Za-z0-9]{32}$/;
const OTHER_APPS =
  /^\/v1\/(?:chat-messages|completion-messages|messages|conversations|text-to-audio|audio-to-text)(?:\/|$)/;

export const dify: Dialect = {
  name: 'dify',
  routes,
  isOwnClient: (request) => KEY.test(readBearer(request) ?? '') || OTHER_APPS.test(request.path),
  authenticate,
  errors,
  errorSchema,
  renderError,
};
