// The composition root: environment → clients → ports. One set per process, so connections and caches outlive a call.

import { extname } from 'node:path';
import { makeCode } from './aws/code.ts';
import { makeDynamo } from './aws/dynamo.ts';
import { makeFileStore } from './aws/file-store.ts';
import { makeFlowStore } from './aws/flow-store.ts';
import { makeFunctions } from './aws/functions.ts';
import { makeKnowledge } from './aws/knowledge.ts';
import { makeMachine } from './aws/machine.ts';
import { makeModelKey } from './aws/model-key.ts';
import { makePayloads } from './aws/payloads.ts';
import { makePlatformSecret } from './aws/platform-secret.ts';
import { makePluginStore } from './aws/plugin-store.ts';
import { makeQueues } from './aws/queues.ts';
import { makeRunStore } from './aws/run-store.ts';
import { translateFaults } from './aws/service-faults.ts';
import { makeSlots } from './aws/slots.ts';
import { makeTenantStore } from './aws/tenant-store.ts';
import { makeKeyring } from './core/access/keyring.ts';
import { makeCaches } from './core/access/ttl-cache.ts';
import type { HttpClient } from './core/ports/http.ts';
import type { ModelProvider, Models } from './core/ports/models.ts';
import type { Ports } from './core/ports/ports.ts';
import type { CodeLanguage } from './core/ports/runners.ts';
import { type Environment, type FunctionName, readLocalModelKey, readOwnPorts } from './env.ts';
import { makeLog } from './log.ts';
import { makeHttpClient } from './net/guarded-client.ts';
import { onFirstUse } from './on-first-use.ts';
import { systemClock, systemIds } from './system.ts';

type PlatformEnvironment = Environment<'deliver'> & Partial<Omit<Environment<'api'>, keyof Environment<'deliver'>>>;

export function makePorts(name: FunctionName, env: PlatformEnvironment): Ports {
  const client = makeDynamo();
  const payloads = makePayloads({ bucket: env.PAYLOAD_BUCKET });
  const keyring = translateFaults(makeKeyring(makePlatformSecret({ secretArn: env.PLATFORM_SECRET_ARN })));
  const runtime = { client, table: env.RUNTIME_TABLE, payloads, keyring };
  const functions = makeFunctions();
  const http = makeHttpClient({ policy: env.PRIVATE_TARGETS, ownPorts: readOwnPorts() });
  const catalog = { client, table: env.CATALOG_TABLE, payloads };
  const documents = onFirstUse(async () => {
    const { makeDocuments } = await import('./documents/process.ts');
    return makeDocuments({ folder: import.meta.dirname, extension: extname(import.meta.filename) });
  });
  const jinja = onFirstUse(async () => (await import('./jinja/render.ts')).makeJinja());
  return {
    clock: systemClock,
    ids: systemIds,
    runs: translateFaults(makeRunStore(runtime)),
    slots: translateFaults(makeSlots(runtime)),
    queues: translateFaults(
      makeQueues({ runsQueueUrl: env.RUNS_QUEUE_URL, deliveriesQueueUrl: env.DELIVERIES_QUEUE_URL }),
    ),
    machine: translateFaults(makeMachine({ machineArn: env.MACHINE_ARN })),
    flows: translateFaults(makeFlowStore(catalog)),
    tenants: translateFaults(makeTenantStore(catalog)),
    caches: makeCaches(),
    plugins: translateFaults(makePluginStore(catalog)),
    files: translateFaults(makeFileStore({ client, table: env.RUNTIME_TABLE, bucket: env.PAYLOAD_BUCKET })),
    keyring,
    http,
    functions,
    code: makeCode({ functions, names: codeFunctions(env), perTenant: env.CODE_ISOLATION !== 'call' }),
    models: makeModels(env, http),
    documents: { read: async (...job) => (await documents()).read(...job) },
    jinja: { render: async (template) => (await jinja()).render(template) },
    knowledge: makeKnowledge({ bases: knowledgeBases(env) }),
    log: makeLog({ serviceName: name, stage: env.STAGE }),
  };
}

function codeFunctions(env: PlatformEnvironment): Partial<Record<CodeLanguage, string>> {
  return {
    javascript: env.CODE_NODE_FUNCTION,
    python: env.CODE_PYTHON_FUNCTION,
  };
}

function knowledgeBases({ KNOWLEDGE_BASES: bases }: PlatformEnvironment): Record<string, string> {
  return bases ? Object.fromEntries(bases.split(',').map((base) => base.split('='))) : {};
}

function makeModels(env: PlatformEnvironment, http: HttpClient): Models {
  const { OPENAI_BASE_URL: baseUrl, OPENAI_KEY_SECRET_ARN: secretArn, BEDROCK_MODELS: bedrockModels } = env;
  const apiKey = secretArn ? makeModelKey(secretArn) : async () => readLocalModelKey();
  return {
    ...(baseUrl && { openai: makeOpenAiOnFirstUse(http, { baseUrl, apiKey }) }),
    ...(bedrockModels && { bedrock: makeBedrockOnFirstUse(bedrockModels.split(',')) }),
  };
}

function makeOpenAiOnFirstUse(
  http: HttpClient,
  options: { baseUrl: string; apiKey(): Promise<string | undefined> },
): ModelProvider {
  const openai = onFirstUse(async () => (await import('./core/models/openai.ts')).makeOpenAi(http, options));
  return { generate: async (request) => (await openai()).generate(request) };
}

function makeBedrockOnFirstUse(offers: string[]): ModelProvider {
  const bedrock = onFirstUse(async () => (await import('./aws/bedrock.ts')).makeBedrock({ offers }));
  return { offers, generate: async (request) => (await bedrock()).generate(request) };
}
