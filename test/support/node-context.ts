// The context that the engine passes to a node kind, with every port real or rejecting; tests override what they test.

import { keepFile, openFile, toReference } from '../../lambdas/core/catalog/files.ts';
import type { NodeContext } from '../../lambdas/core/nodes/node-kind.ts';
import type { Clock } from '../../lambdas/core/ports/ports.ts';
import type { CodeRunner, Functions } from '../../lambdas/core/ports/runners.ts';
import { makeHttpClient } from '../../lambdas/net/guarded-client.ts';
import { systemIds } from '../../lambdas/system.ts';
import { makeMemoryFileStore } from './memory-file-store.ts';

/** The files of every context, for tests that read them. */
export const files = makeMemoryFileStore();
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
  const http = makeHttpClient({ policy: 'loopback' });
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
    children: {
      reserve: () => 'child',
      start: () => Promise.reject(new Error('no children here')),
      read: async () => undefined,
      cancel: async () => undefined,
    },
    files: {
      open: (ref, maxBytes) =>
        openFile({ files, http }, ref, {
          tenant: 'acme',
          maxBytes,
          timeoutMs: 5_000,
          signal: AbortSignal.timeout(9_000),
        }),
      keep: async (file) =>
        toReference(await keepFile({ files, clock: { now: () => NOW } as Clock, ids: systemIds }, 'acme', file)),
    },
    plugin: () => Promise.reject(new Error('no plugins here')),
    now: () => NOW,
    ports: {
      http,
      functions,
      code,
      models: {},
      jinja: { render: () => Promise.reject(new Error('This test expects nothing to be rendered')) },
      documents: { read: () => Promise.reject(new Error('This test expects no document to be read')) },
      knowledge: {
        sources: [],
        retrieve: () => Promise.reject(new Error('This test expects nothing to be looked up')),
      },
      log: { info: silent, warn: silent, error: silent, metric: silent },
    },
    ...rest,
  };
}
