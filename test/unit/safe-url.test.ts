// The address rules, row by row: what each policy allows, and every disguise of an inside address we know.

import { describe, expect, test } from 'vitest';
import { ApiError } from '../../lambdas/core/errors.ts';
import { checkHeaders, findHeaderProblem } from '../../lambdas/core/outbound/safe-headers.ts';
import { checkUrl, isAllowedAddress, type TargetPolicy } from '../../lambdas/core/outbound/safe-url.ts';

function refusal(url: string, policy: TargetPolicy = 'none'): string {
  try {
    checkUrl(url, policy);
  } catch (error) {
    if (error instanceof ApiError && error.code === 'unsafe-url') return error.message;
    throw error;
  }
  return 'allowed';
}

describe('under policy none', () => {
  test.each([
    'https://example.com/',
    'https://EXAMPLE.com./hook?x=1#y',
    'https://example.com:443/',
    'https://example.com:8443/',
    'https://hooks.münchen.example/a',
    'https://8.8.8.8/',
    'https://[2606:4700::1111]/',
    'https://172.32.0.1/',
    'https://100.128.0.1/',
    'https://my_bucket.example.com/',
    'https://localhost.example.com/',
  ])('allows %s', (url) => {
    expect(refusal(url)).toBe('allowed');
  });

  test.each([
    ['loopback', 'https://127.0.0.1/'],
    ['the end of the loopback block', 'https://127.255.255.254/'],
    ['a short form', 'https://127.1/'],
    ['a decimal number', 'https://2130706433/'],
    ['hexadecimal', 'https://0x7f000001/'],
    ['octal', 'https://0177.0.0.1/'],
    ['mixed bases', 'https://0x7f.0.1/'],
    ['full-width digits', 'https://①②⑦.⓪.⓪.①/'],
    ['percent-encoded digits', 'https://%31%32%37.0.0.1/'],
    ['a trailing dot', 'https://127.0.0.1./'],
    ['this host', 'https://0.0.0.0/'],
    ['zero', 'https://0/'],
    ['10/8', 'https://10.1.2.3/'],
    ['172.16/12', 'https://172.31.255.255/'],
    ['192.168/16', 'https://192.168.0.1/'],
    ['carrier-grade NAT', 'https://100.64.0.1/'],
    ['a metadata address', 'https://169.254.169.254/latest/meta-data/'],
    ['metadata as a number', 'https://2852039166/'],
    ['a metadata address in the public space', 'https://168.63.129.16/'],
    ['IETF protocols', 'https://192.0.0.192/'],
    ['documentation', 'https://192.0.2.1/'],
    ['6to4 relays', 'https://192.88.99.1/'],
    ['benchmarking', 'https://198.19.255.255/'],
    ['multicast', 'https://224.0.0.1/'],
    ['the future', 'https://240.0.0.1/'],
    ['broadcast', 'https://255.255.255.255/'],
    ['IPv6 loopback', 'https://[::1]/'],
    ['IPv6 loopback written long', 'https://[0000:0000:0000:0000:0000:0000:0000:0001]/'],
    ['IPv6 unspecified', 'https://[::]/'],
    ['IPv4-mapped IPv6', 'https://[::ffff:127.0.0.1]/'],
    ['IPv4-mapped IPv6 of a public address', 'https://[::ffff:8.8.8.8]/'],
    ['IPv4-compatible IPv6', 'https://[::127.0.0.1]/'],
    ['NAT64', 'https://[64:ff9b::7f00:1]/'],
    ['local NAT64', 'https://[64:ff9b:1::a00:1]/'],
    ['6to4', 'https://[2002:7f00:1::]/'],
    ['Teredo', 'https://[2001:0:7f00:1::]/'],
    ['unique local', 'https://[fd12:3456::1]/'],
    ['IPv6 metadata', 'https://[fd00:ec2::254]/'],
    ['IPv6 link-local', 'https://[fe80::1]/'],
    ['IPv6 site-local', 'https://[fec0::1]/'],
    ['IPv6 multicast', 'https://[ff02::1]/'],
    ['IPv6 documentation', 'https://[2001:db8::1]/'],
    ['newer IPv6 documentation', 'https://[3fff::1]/'],
    ['IPv6 discard', 'https://[100::1]/'],
  ])('refuses %s: %s', (_, url) => {
    expect(refusal(url)).toMatch(/is a (loopback|private|reserved) address$/);
  });

  test.each([
    'https://localhost/',
    'https://LOCALHOST./',
    'https://api.localhost/',
    'https://ip6-localhost.localdomain/',
    'https://printer.local/',
    'https://metadata.google.internal/',
    'https://metadata.google.internal./',
    'https://router.home.arpa/',
    'https://intranet/',
    'https://db/',
  ])('refuses the private name %s', (url) => {
    expect(refusal(url)).toMatch(/is a (loopback|private) address$/);
  });

  test.each([
    ['http://example.com/', 'The address must begin with https://'],
    ['ftp://example.com/', 'The address must begin with https://'],
    ['file:///etc/passwd', 'The address must begin with https://'],
    ['javascript:alert(1)', 'The address must begin with https://'],
    ['/relative', 'The address is not an absolute URL'],
    ['', 'The address is not an absolute URL'],
    ['https://', 'The address is not an absolute URL'],
    ['https://[fe80::1%25eth0]/', 'The address is not an absolute URL'],
    ['https://user:pass@example.com/', 'The address may not contain a user name or password'],
    ['https://example.com@10.0.0.1/', 'The address may not contain a user name or password'],
    ['https://a..example.com/', "'a..example.com' is not a host name"],
    ['https://example.com:22/', 'Port 22 may not be called: use 443, or a port from 1024'],
    ['https://example.com:80/', 'Port 80 may not be called: use 443, or a port from 1024'],
    ['https://example.com:0/', 'Port 0 may not be called: use 443, or a port from 1024'],
  ])('refuses %s and says why', (url, message) => {
    expect(refusal(url)).toBe(message);
  });

  test('never shows the credentials of a refused address', () => {
    expect(refusal('https://user:hunter2@example.com/?token=abc')).not.toMatch(/hunter2|abc/);
  });
});

describe('under the wider policies', () => {
  test.each(['http://127.0.0.1:8787/', 'http://localhost/', 'https://[::1]:22/', 'http://example.com/'])(
    'loopback allows %s',
    (url) => {
      expect(refusal(url, 'loopback')).toBe('allowed');
    },
  );

  test.each(['http://10.0.0.1/', 'http://db/', 'http://192.168.1.1:80/', 'http://[fd12::1]/'])(
    'loopback refuses %s, private allows it',
    (url) => {
      expect(refusal(url, 'loopback')).toMatch(/is a private address$/);
      expect(refusal(url, 'private')).toBe('allowed');
    },
  );

  test.each([
    '169.254.169.254',
    '169.254.0.1',
    '100.100.100.200',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    '::ffff:169.254.169.254',
    '::ffff:10.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '0.0.0.0',
    '::',
    '255.255.255.255',
    'not an address',
    '',
  ])('no policy allows a connection to %s', (ip) => {
    for (const policy of ['none', 'loopback', 'private'] as const) expect(isAllowedAddress(ip, policy)).toBe(false);
  });

  test('checks resolved addresses by the same classes', () => {
    expect(isAllowedAddress('93.184.215.14', 'none')).toBe(true);
    expect(isAllowedAddress('127.0.0.1', 'none')).toBe(false);
    expect(isAllowedAddress('127.0.0.1', 'loopback')).toBe(true);
    expect(isAllowedAddress('10.0.0.1', 'loopback')).toBe(false);
    expect(isAllowedAddress('10.0.0.1', 'private')).toBe(true);
  });
});

describe('request headers', () => {
  test.each(['Host', 'content-length', 'Transfer-Encoding', 'Connection', 'Upgrade', 'TE', 'Proxy-Authorization'])(
    '%s belongs to the platform',
    (name) => {
      expect(findHeaderProblem(name, 'x')).toBe(`Header '${name}' is set by the platform`);
    },
  );

  test.each([
    ['X A', 'v', '"X A" is not a header name'],
    ['', 'v', '"" is not a header name'],
    ['X\r\nEvil', 'v', '"X\\r\\nEvil" is not a header name'],
    ['X-A', 'a\r\nEvil: 1', "The value of header 'X-A' holds a line break or a character outside Latin-1"],
    ['X-A', 'a\u0000b', "The value of header 'X-A' holds a line break or a character outside Latin-1"],
    ['X-A', '漢', "The value of header 'X-A' holds a line break or a character outside Latin-1"],
  ])('refuses %j: %j', (name, value, message) => {
    expect(findHeaderProblem(name, value)).toBe(message);
  });

  test('are refused by the name of the first bad one, and fine ones pass', () => {
    expect(() => checkHeaders({ 'X-Ok': 'ümlaut', Host: 'evil' })).toThrow("Header 'Host' is set by the platform");
    expect(() => checkHeaders({ Authorization: 'Bearer x', 'content-type': 'text/plain' })).not.toThrow();
  });
});
