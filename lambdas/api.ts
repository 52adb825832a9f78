// The API function: receives the requests of every dialect, runs sync calls in its own process, and streams its answers.

import { makeHandler } from './api-gateway/handler.ts';
import { DIALECTS } from './core/dialects/index.ts';
import { native } from './core/dialects/native/dialect.ts';
import { readEnvironment } from './env.ts';
import { makeAnswer } from './http/answer.ts';
import { makePorts } from './wiring.ts';

const env = readEnvironment('api');
const ports = makePorts('api', env);

export const handler = makeHandler(makeAnswer({ dialects: DIALECTS, fallback: native, ports }), {
  clock: ports.clock,
  publicOrigin: env.PUBLIC_ORIGIN,
});
