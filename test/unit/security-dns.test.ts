// Names that change their address between being checked and being called. This machine plays the outside, since
// policy `loopback` allows it; everything private is the inside.

import { expect, test } from 'vitest';
import { makeHttpClient } from '../../lambdas/net/guarded-client.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { startHttpServer } from '../support/http-server.ts';

const OUTSIDE = '127.0.0.1';
const INSIDE = [
  '10.0.0.1',
  '169.254.169.254',
  '192.168.1.1',
  '100.100.100.200',
  'fd00:ec2::254',
  '::ffff:10.0.0.1',
  '64:ff9b::a00:1',
  '2002:a00:1::',
  'fe80::1',
];

const request = (url: string, extra = {}) => ({ url, method: 'GET', timeoutMs: 5_000, maxBytes: 1_000, ...extra });

test('a name is asked for once per connection, and the connection goes to the address that was checked', async () => {
  await using server = await startHttpServer((_, response) => response.end('outside'));
  await using dns = await startDnsServer((_, nth) => [nth === 1 ? OUTSIDE : '10.0.0.1']);
  const client = makeHttpClient({ policy: 'loopback', resolve: dns.resolve });
  const answer = await client.send(request(`http://rebind.example.com:${server.port}/`));
  expect([Buffer.from(answer.body).toString(), dns.asked]).toEqual(['outside', ['rebind.example.com']]);
});

test('a name that has moved inside is refused by the next connection', async () => {
  await using server = await startHttpServer((_, response) => response.setHeader('connection', 'close').end());
  await using dns = await startDnsServer((_, nth) => [nth === 1 ? OUTSIDE : '10.0.0.1']);
  const client = makeHttpClient({ policy: 'loopback', resolve: dns.resolve });
  const url = `http://rebind.example.com:${server.port}/`;
  await client.send(request(url));
  await expect(client.send(request(url))).rejects.toMatchObject({ code: 'unsafe-url' });
  expect([server.connections(), dns.asked.length]).toEqual([1, 2]);
});

test.each(INSIDE)('a name that is %s, alone or among others, is refused', async (inside) => {
  await using server = await startHttpServer((_, response) => response.end());
  await using dns = await startDnsServer((name) => (name.startsWith('alone') ? [inside] : [OUTSIDE, inside]));
  const client = makeHttpClient({ policy: 'loopback', resolve: dns.resolve });
  for (const name of ['alone.example.com', 'among.example.com']) {
    const sent = client.send(request(`http://${name}:${server.port}/`));
    await expect(sent).rejects.toMatchObject({ code: 'unsafe-url', message: expect.stringContaining(name) });
  }
  expect(server.connections()).toBe(0);
});

test('a redirect to a name inside is refused, and one to another name takes no credential along', async () => {
  await using dns = await startDnsServer((name) => [name.startsWith('inside') ? '10.0.0.1' : OUTSIDE]);
  await using server = await startHttpServer((asked, response) => {
    const to = asked.url?.slice(1) ?? '';
    response.writeHead(
      to === '' ? 200 : 307,
      to === '' ? {} : { location: `http://${to}.example.com:${server.port}/` },
    );
    response.end();
  });
  const client = makeHttpClient({ policy: 'loopback', resolve: dns.resolve });
  const headers = { authorization: 'Bearer s3cret', 'x-api-key': 's3cret', cookie: 'a=s3cret' };
  const to = (name: string) =>
    client.send(request(`http://first.example.com:${server.port}/${name}`, { redirects: 3, headers }));
  await expect(to('inside')).rejects.toMatchObject({ code: 'unsafe-url' });
  expect((await to('other')).status).toBe(200);
  expect(JSON.stringify(server.received.at(-1))).not.toContain('s3cret');
});
