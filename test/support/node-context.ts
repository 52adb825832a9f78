// What the engine hands a node kind, with every port real or refusing; tests override what they are about.

import type { NodeContext } from '../../lambdas/core/nodes/node-kind.ts';
import type { CodeRunner, Functions } from '../../lambdas/core/ports.ts';
import { makeHttpClient } from '../../lambdas/net/guarded-client.ts';

export const NOW = Date.UTC(2026, 0, 31, 8);

const noFunctions: Functions = {
  invoke: () => Promise.reject(new Error('This test expects no function to be invoked')),
};

const noCode: CodeRunner = {
  run: () => Promise.reject(new Error('This test expects no code to be run')),
};

type Extra = Partial<Omit<NodeContext, 'ports'>> & { functions?: Functions; code?: CodeRunner };

export function nodeContext(extra: Extra = {}): NodeContext {
  const { functions = noFunctions, code = noCode, ...rest } = extra;
  const silent = () => undefined;
  return {
    path: 'pages[00002].fetch',
    run: { id: 'run-1', tenant: 'acme', flow: 'probe', env: 'published', startedAt: NOW },
    attempt: 1,
    idempotencyKey: 'run-1/pages[00002].fetch',
    callbackUrl: () => 'https://errand.example.com/v1/signals/token',
    bindings: {},
    secrets: {},
    signal: new AbortController().signal,
    timeoutMs: 5_000,
    say: () => {},
    streams: false,
    models: {},
    children: { start: () => Promise.reject(new Error('no children here')), read: async () => undefined },
    plugin: () => Promise.reject(new Error('no plugins here')),
    now: () => NOW,
    ports: {
      http: makeHttpClient({ policy: 'loopback' }),
      functions,
      code,
      models: {},
      knowledge: {
        sources: [],
        retrieve: () => Promise.reject(new Error('This test expects nothing to be looked up')),
      },
      log: { info: silent, warn: silent, error: silent, metric: silent },
    },
    ...rest,
  };
}
