import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { buildMessageId, signHeaders } from '../../lambdas/core/deliver/signature.ts';

const secret = fc
  .uint8Array({ minLength: 24, maxLength: 64 })
  .map((it) => `whsec_${Buffer.from(it).toString('base64')}`);

describe('a signature', () => {
  test('is that of the published vector of Standard Webhooks', () => {
    const headers = signHeaders(
      { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', at: 1_614_265_330_000, body: '{"test": 2432232314}' },
      ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    );
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  test('is accepted by the standardwebhooks package, for any body, the empty one included', () => {
    fc.assert(
      fc.property(secret, fc.oneof(fc.constant(''), fc.json()), (key, body) => {
        const headers = signHeaders({ id: buildMessageId('run', 1), at: Date.now(), body }, [key]);
        expect(() => new Webhook(key).verify(body, { ...headers })).not.toThrow();
      }),
    );
  });

  test('is made with every secret, so that a receiver may know the old one or the new one', () => {
    fc.assert(
      fc.property(fc.uniqueArray(secret, { minLength: 3, maxLength: 3 }), ([newest = '', old = '', stranger = '']) => {
        const headers = { ...signHeaders({ id: 'msg_1', at: Date.now(), body: '{}' }, [newest, old]) };
        expect(headers['webhook-signature'].split(' ')).toHaveLength(2);
        expect(() => new Webhook(newest).verify('{}', headers)).not.toThrow();
        expect(() => new Webhook(old).verify('{}', headers)).not.toThrow();
        expect(() => new Webhook(stranger).verify('{}', headers)).toThrow('No matching signature');
      }),
    );
  });

  test('does not cover another body, id or time', () => {
    const key = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const headers = { ...signHeaders({ id: 'msg_1', at: Date.now(), body: '{}' }, [key]) };
    const verify = (body: string, changed = {}) => new Webhook(key).verify(body, { ...headers, ...changed });
    expect(() => verify('{ }')).toThrow('No matching signature');
    expect(() => verify('{}', { 'webhook-id': 'msg_2' })).toThrow('No matching signature');
    const later = String(Number(headers['webhook-timestamp']) + 1);
    expect(() => verify('{}', { 'webhook-timestamp': later })).toThrow('No matching signature');
  });
});

test('a message id identifies the run and the webhook, and nothing else', () => {
  expect(buildMessageId('018f', 2)).toBe('msg_018f_2');
});
