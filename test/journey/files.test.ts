import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, demoClient, publishFlow } from '../support/api-client.ts';
import { type HttpServer, startHttpServer } from '../support/http-server.ts';
import { startTestRuntime } from '../support/runtime.ts';

let service: HttpServer;
let runtime: Awaited<ReturnType<typeof startTestRuntime>>;
let api: ApiClient;

beforeAll(async () => {
  service = await startHttpServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/csv', 'content-disposition': 'attachment; filename="sums.csv"' });
    response.end(request.url === '/sums' ? 'a,b\n1,2\n' : 'thanks');
  });
  runtime = await startTestRuntime();
  api = await demoClient(runtime);
  await publishFlow(
    api,
    'archive',
    `
flow: 1
name: archive
inputs: { report: { type: file, required: true, accept: [text/plain], maxSize: 1KB } }
nodes:
  send: { type: http, with: { url: "${service.origin}/inbox", method: PUT, bodyType: file, body: "\${{ $inputs.report }}" } }
  sums: { type: http, with: { url: "${service.origin}/sums", parse: file } }
outputs: { name: "\${{ $inputs.report.name }}", sums: "\${{ $nodes.sums.files[0] }}" }
`,
  );
}, 120_000);
afterAll(async () => {
  await runtime?.stop();
  await service?.[Symbol.asyncDispose]();
});

async function upload(text: string, more: object = {}): Promise<string> {
  const size = Buffer.byteLength(text);
  const { body } = await api.call('POST', '/v1/files', { name: 'report.txt', type: 'text/plain', size, ...more });
  const { url, method, headers } = body.upload;
  const answer = await fetch(url, { method, headers, body: text });
  expect(answer.status).toBe(200);
  return body.id;
}

const run = (report: unknown) => api.call('POST', '/v1/flows/archive/runs', { inputs: { report } });

test('an uploaded file goes to a run by its id, and the run can hand out its bytes and keep others', async () => {
  const id = await upload('all is well');
  const { body } = await run({ id });
  expect(body).toMatchObject({
    status: 'succeeded',
    inputs: { report: { id, name: 'report.txt', type: 'text/plain', size: 11 } },
    outputs: { name: 'report.txt', sums: { name: 'sums.csv', type: 'text/csv', size: 8 } },
  });
  const sent = service.received.find(({ path }) => path === '/inbox');
  expect([sent?.method, sent?.headers['content-type'], sent?.body]).toEqual(['PUT', 'text/plain', 'all is well']);
  const kept = await api.call('GET', `/v1/files/${body.outputs.sums.id}`);
  expect(await (await fetch(kept.body.download.url)).text()).toBe('a,b\n1,2\n');
});

test("a file that a vendor's client uploads is refused beyond 4 MB, in the vendor's words", async () => {
  const { body: key } = await api.call('POST', '/v1/keys', { dialect: 'dify', flow: 'archive' });
  const form = new FormData();
  form.set('file', new Blob(['x'.repeat(4 * 1_024 * 1_024 + 1)]), 'big.txt');
  const answer = await fetch(`${api.baseUrl}/v1/files/upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.credentials.key}` },
    body: form,
  });
  expect([answer.status, await answer.json()]).toMatchObject([413, { code: 'file_too_large', status: 413 }]);
});

test('the address of a file opens it for whoever has it, until it has expired, and no other file', async () => {
  const { body: key } = await api.call('POST', '/v1/keys', { dialect: 'huawei', flow: 'archive' });
  const upload = async (expires: number) => {
    const form = new FormData();
    form.set('file', new Blob(['<script>alert(1)</script>'], { type: 'text/html' }), 'page.html');
    const path = `/v1/p1/agent-runtime/upload-file?expires=${expires}`;
    const headers = { 'x-auth-token': key.credentials.token };
    const answer = await fetch(`${api.baseUrl}${path}`, { method: 'POST', headers, body: form });
    return new URL(((await answer.json()) as { url: string }).url);
  };
  const url = await upload(60);
  const answer = await fetch(url);
  expect([answer.status, await answer.text()]).toEqual([200, '<script>alert(1)</script>']);
  expect(answer.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''page.html");
  expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
  const other = await upload(60);
  const exchanged = new URL(url);
  exchanged.pathname = other.pathname;
  const later = new URL(url);
  later.searchParams.set('until', String(Number(url.searchParams.get('until')) + 1));
  for (const wrong of [exchanged, later]) expect((await fetch(wrong)).status).toBe(404);
  const brief = await upload(1);
  await expect.poll(async () => (await fetch(brief)).status, { timeout: 5_000 }).toBe(404);
});

describe('a run is refused', () => {
  test.each<[string, () => Promise<unknown>, string]>([
    ['unknown', async () => ({ id: 'nope' }), "names a file that does not exist: 'nope'"],
    ['never uploaded', announced, 'which was never uploaded'],
    ['too large', async () => ({ id: await upload('x'.repeat(1_025)) }), 'must have at most 1024 bytes'],
    ['of another type', async () => ({ id: await upload('x', { type: 'image/png' }) }), 'must be of type text/plain'],
  ])('for a file that is %s', async (_, make, message) => {
    const { status, body } = await run(await make());
    expect([status, body.error.code, body.error.details[0].field]).toEqual([400, 'invalid-inputs', 'inputs.report']);
    expect(body.error.message).toContain(message);
  });

  async function announced() {
    const { body } = await api.call('POST', '/v1/files', { name: 'a.txt', type: 'text/plain', size: 1 });
    expect((await api.call('GET', `/v1/files/${body.id}`)).body.download).toBeNull();
    return { id: body.id };
  }
});

test.each([
  [{ size: 1 }, 'name'],
  [{ name: 'a/b', size: 1 }, 'name'],
  [{ name: 'a', size: 0 }, 'size'],
  [{ name: 'a', size: 1e9 }, 'size'],
  [{ name: 'a', size: 1, type: 'x y' }, 'type'],
  [{ name: 'a', size: 1, tpye: 'text/plain' }, 'tpye'],
])('the announcement %j is refused, naming the field', async (body, field) => {
  const answer = await api.call('POST', '/v1/files', body);
  expect([answer.status, answer.body.error.details[0].field]).toEqual([400, field]);
});
