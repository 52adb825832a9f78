// The data that random calls meet: flows, settled and waiting runs, a secret, and a key of each dialect. Made through the
// API, so that it is the same in memory and over HTTP.

import type { ApiAnswer, ApiCall } from './api-event.ts';
import { authenticateAs } from './dialect-auth.ts';
import { readCaseFlows } from './dialect-cases.ts';
import type { GoodValues } from './fuzzed-calls.ts';

export type Caller = (call: ApiCall) => Promise<ApiAnswer>;

export interface FuzzWorld {
  good: GoodValues;
  /** Makes a call with the key of a dialect. */
  send(call: ApiCall & { dialect: string; auth: string }): Promise<ApiAnswer>;
}

/** `origin` is the server's own; the owner's key may do everything. */
export async function makeFuzzWorld(
  sendCall: Caller,
  { origin, key }: { origin: string; key: string },
): Promise<FuzzWorld> {
  const credentials: Record<string, Record<string, string>> = { native: { key, dialect: 'native' } };

  const send: FuzzWorld['send'] = ({ dialect, auth, ...call }) => {
    const { body, path } = call;
    const isText = body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    const text = isText ? Buffer.from(body ?? '').toString() : JSON.stringify(body);
    const headers = { ...(body !== undefined && { 'content-type': 'application/json' }), ...call.headers };
    const method = call.method ?? (body === undefined ? 'GET' : 'POST');
    const asked = { method, url: new URL(`${origin}${path}`), headers, body: text };
    const proof = authenticateAs(auth, asked, credentials[dialect] ?? {});
    return sendCall({ ...call, method, headers: { ...headers, ...proof } });
  };
  const sendAsOwner: OwnerCall = async (call) => {
    const { status, text } = await send({ ...call, dialect: 'native', auth: 'default' });
    if (status >= 300) throw new Error(`${call.path} answers ${status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };

  await publishFlows(sendAsOwner);
  const runs = await startRuns(sendAsOwner);
  for (const dialect of ['dify', 'gptbots', 'qianfan', 'huawei', 'tencent']) {
    const issued = await sendAsOwner({ path: '/v1/keys', body: { dialect, flow: 'greet' } });
    credentials[dialect] = { ...issued.credentials, dialect };
  }
  await sendAsOwner({ path: '/v1/tenants', body: { id: 'rival' } });
  await sendAsOwner({ method: 'PUT', path: '/v1/secrets/TOKEN', body: { value: 'hidden' } });
  const { items } = await sendAsOwner({ path: `/v1/runs/${runs.second}/nodes` });
  const token = String(items[0].wait.prompt.url).split('/').at(-1) as string;
  return { send, good: listGoodValues({ ...runs, token, appKey: credentials['tencent']?.['appKey'] ?? '' }) };
}

// biome-ignore lint/suspicious/noExplicitAny: the answers of many routes, read where their form is known
type OwnerCall = (call: ApiCall) => Promise<any>;

async function publishFlows(sendAsOwner: OwnerCall): Promise<void> {
  for (const [name, source] of Object.entries(await readCaseFlows())) {
    const headers = { 'content-type': 'application/yaml' };
    await sendAsOwner({ method: 'PUT', path: `/v1/flows/${name}/draft`, body: source, headers });
    await sendAsOwner({ path: `/v1/flows/${name}/publish`, body: {} });
  }
}

async function startRuns(sendAsOwner: OwnerCall): Promise<{ ended: string; waiting: string; second: string }> {
  const start = async (flow: string): Promise<string> =>
    (await sendAsOwner({ path: `/v1/flows/${flow}/runs`, body: {} })).id;
  return { ended: await start('greet'), waiting: await start('decide'), second: await start('patient') };
}

interface Existing {
  /** Ids of runs: a settled one and two that wait. */
  ended: string;
  waiting: string;
  second: string;
  /** Signals `second`. */
  token: string;
  appKey: string;
}

function listGoodValues({ ended, waiting, second, token, appKey }: Existing): GoodValues {
  return {
    name: ['greet', 'decide', 'broken', 'TOKEN'],
    version: ['1.0.0', '1'],
    appKey: [appKey],
    id: [ended, waiting, second],
    // A removed flow would only give 404.
    'removeFlow.name': ['broken'],
    'changeFlow.name': ['broken'],
    'cancelRun.id': [second],
    'changeTenant.id': ['rival'],
    'readTenant.id': ['rival'],
    // The stream of a waiting run lasts until somebody answers.
    'streamEvents.id': [ended],
    workflow_run_id: [ended],
    task_id: [ended, second],
    n: ['1'],
    path: ['review', 'wait', 'say'],
    token: [token],
    form_token: [token],
    workflow_id: ['greet'],
    component: ['greet'],
    conversation_id: ['c1', 'c2'],
    project_id: ['p1'],
  };
}
