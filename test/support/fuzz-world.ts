// The data that random calls meet: flows, settled and waiting runs, a secret, and a key of each dialect. Made through the
// API, so that it is the same in memory and over HTTP.

import type { ApiAnswer, ApiCall } from './api-event.ts';
import { proveCaller } from './dialect-auth.ts';
import { caseFlows } from './dialect-cases.ts';
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
    const proof = proveCaller(auth, asked, credentials[dialect] ?? {});
    return sendCall({ ...call, method, headers: { ...headers, ...proof } });
  };
  const own = async (call: ApiCall) => {
    const { status, text } = await send({ ...call, dialect: 'native', auth: 'default' });
    if (status >= 300) throw new Error(`${call.path} answers ${status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  const started = async (flow: string): Promise<string> => (await own({ path: `/v1/flows/${flow}/runs`, body: {} })).id;

  for (const [name, source] of Object.entries(await caseFlows())) {
    const headers = { 'content-type': 'application/yaml' };
    await own({ method: 'PUT', path: `/v1/flows/${name}/draft`, body: source, headers });
    await own({ path: `/v1/flows/${name}/publish`, body: {} });
  }
  const [ended, waiting, second] = [await started('greet'), await started('decide'), await started('patient')];
  for (const dialect of ['dify', 'gptbots', 'qianfan', 'huawei', 'tencent']) {
    const issued = await own({ path: '/v1/keys', body: { dialect, flow: 'greet' } });
    credentials[dialect] = { ...issued.credentials, dialect };
  }
  await own({ path: '/v1/tenants', body: { id: 'rival' } });
  await own({ method: 'PUT', path: '/v1/secrets/TOKEN', body: { value: 'hidden' } });
  const { items } = await own({ path: `/v1/runs/${second}/nodes` });
  const token = String(items[0].wait.prompt.url).split('/').at(-1) as string;
  return {
    send,
    good: {
      name: ['greet', 'decide', 'broken', 'TOKEN'],
      version: ['1.0.0', '1'],
      appKey: [credentials['tencent']?.['appKey'] ?? ''],
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
    },
  };
}
