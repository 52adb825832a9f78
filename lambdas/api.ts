// The API function: takes the requests of every dialect, runs sync calls in its own process, and streams its answers.

import middy from '@middy/core';
import { executionModeStreamifyResponse } from '@middy/core/StreamifyResponse';
import { DIALECTS } from './core/dialects/index.ts';
import { native } from './core/dialects/native/dialect.ts';
import { readEnvironment } from './env.ts';
import { exchangeLayer, finishPending } from './http/middleware.ts';
import { routeTable } from './http/routes.ts';
import { makePorts } from './wiring.ts';

const ports = makePorts('api', readEnvironment('api'));

export const handler = middy({ executionMode: executionModeStreamifyResponse, requestEnd: finishPending })
  .use(exchangeLayer(ports, native))
  .handler(routeTable(DIALECTS, ports));
