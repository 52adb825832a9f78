import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readWebhooks } from '../../lambdas/core/deliver/targets.ts';
import { ApiError } from '../../lambdas/core/errors.ts';
import { makeHttpClient } from '../../lambdas/net/guarded-client.ts';

const http = makeHttpClient({ policy: 'none' });
const url = 'https://example.com/hook';

/** What the caller sees: the code and the fields. */
function readRefusal(
  webhooks: unknown,
  field?: string,
): { code: string; fields: (string | undefined)[]; message: string } {
  try {
    readWebhooks(webhooks, http, field);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { code, details = [], message } = error;
    return { code, fields: details.map((it) => it.field), message };
  }
  throw new Error('It was accepted');
}

describe('webhooks are accepted', () => {
  test('when there are none', () => {
    expect([readWebhooks(undefined, http), readWebhooks(null, http), readWebhooks([], http)]).toEqual([[], [], []]);
  });

  test('with POST as the method, unless they say otherwise in any case', () => {
    const methods = ['get', 'Post', 'PUT', 'patch', 'DELETE'];
    const webhooks = methods.map((method) => ({ url, method }));
    expect(readWebhooks(webhooks, http).map((it) => it.method)).toEqual(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
    expect(readWebhooks([{ url }], http)).toEqual([{ url, method: 'POST' }]);
  });

  test('with the headers and the query of the caller, as they were written', () => {
    const webhook = {
      url: `${url}?fr=google&x=%20`,
      method: 'GET',
      headers: { 'X-Team': 'news', authorization: 'Bearer t' },
    };
    expect(readWebhooks([webhook], http)).toEqual([webhook]);
  });
});

describe('webhooks are refused', () => {
  test('when there are six of them', () => {
    const refusal = readRefusal(Array.from({ length: 6 }, () => ({ url })));
    expect(refusal).toMatchObject({ code: 'too-many-webhooks', fields: ['webhooks[5]'] });
    expect(refusal.message).toContain('6');
  });

  test.each([
    ['http://example.com/hook'],
    ['https://127.0.0.1/hook'],
    ['https://localhost/hook'],
    ['https://169.254.169.254/latest/meta-data'],
    ['https://[::ffff:10.0.0.1]/'],
    ['https://0x7f.1/'],
    ['ftp://example.com/'],
    ['not a url'],
    ['//example.com'],
    ['javascript:alert(1)'],
  ])('when the address is %s, naming the entry', (unsafe) => {
    expect(readRefusal([{ url }, { url: unsafe }])).toMatchObject({ code: 'unsafe-url', fields: ['webhooks[1].url'] });
  });

  test('naming every wrong entry at once', () => {
    const refusal = readRefusal([{ url: 'https://10.0.0.1/' }, { url }, { url: 'https://10.0.0.2/' }]);
    expect(refusal.fields).toEqual(['webhooks[0].url', 'webhooks[2].url']);
  });

  test('under the name that the dialect has for them', () => {
    expect(readRefusal([{ url: 'https://10.0.0.1/' }], 'webhook').fields).toEqual(['webhook[0].url']);
  });

  test.each([
    ['a list that is none', { url }, 'webhooks'],
    ['an entry that is a string', [url], 'webhooks[0]'],
    ['a missing address', [{}], 'webhooks[0].url'],
    ['an address without end', [{ url: `https://example.com/${'a'.repeat(3_000)}` }], 'webhooks[0].url'],
    ['an unknown method', [{ url, method: 'TRACE' }], 'webhooks[0].method'],
    ['a method that is a number', [{ url, method: 1 }], 'webhooks[0].method'],
    ['a field that would be lost', [{ url, retries: 3 }], 'webhooks[0].retries'],
    ['headers in a list', [{ url, headers: ['a: b'] }], 'webhooks[0].headers'],
    ['a header value that is a number', [{ url, headers: { 'x-n': 1 } }], 'webhooks[0].headers.x-n'],
    ['a line break in a header', [{ url, headers: { 'x-n': 'a\r\nhost: evil' } }], 'webhooks[0].headers.x-n'],
    ['a header name with a space', [{ url, headers: { 'x n': 'a' } }], 'webhooks[0].headers.x n'],
    ['a Host header', [{ url, headers: { HOST: 'evil' } }], 'webhooks[0].headers.HOST'],
    [
      'a Transfer-Encoding header',
      [{ url, headers: { 'Transfer-Encoding': 'chunked' } }],
      'webhooks[0].headers.Transfer-Encoding',
    ],
    ['a Content-Length header', [{ url, headers: { 'content-length': '3' } }], 'webhooks[0].headers.content-length'],
    [
      'a forged signature',
      [{ url, headers: { 'Webhook-Signature': 'v1,x' } }],
      'webhooks[0].headers.Webhook-Signature',
    ],
    ['one header in two spellings', [{ url, headers: { 'X-A': '1', 'x-a': '2' } }], 'webhooks[0].headers'],
    [
      'too many headers',
      [{ url, headers: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`x-${i}`, ''])) }],
      'webhooks[0].headers',
    ],
    ['headers of too many bytes', [{ url, headers: { 'x-long': 'é'.repeat(2_100) } }], 'webhooks[0].headers'],
  ])('with %s, naming the field', (_, webhooks, field) => {
    const refusal = readRefusal(webhooks);
    expect(refusal).toMatchObject({ code: 'invalid-request', fields: [field] });
    expect(refusal.message).toContain(field);
  });

  test('never with the value of a header in the message', () => {
    const refusal = readRefusal([{ url, headers: { authorization: 'Bearer hunter2\n' } }]);
    expect(JSON.stringify(refusal)).not.toContain('hunter2');
  });

  test('with an ApiError for any value: nothing else is thrown', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.array(fc.record({ url: fc.jsonValue(), headers: fc.jsonValue() }))),
        (webhooks) => {
          try {
            readWebhooks(webhooks, http);
          } catch (error) {
            expect(error).toBeInstanceOf(ApiError);
          }
        },
      ),
    );
  });
});
