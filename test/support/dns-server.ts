// A name server on this machine that answers as a test wants, over UDP: https://www.rfc-editor.org/rfc/rfc1035#section-4

import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import type { Resolve } from '../../lambdas/net/guarded-lookup.ts';

const TYPES = { A: 1, AAAA: 28 } as const;
const HEADER_BYTES = 12;
// A reply, recursion available, no error.
const REPLY = 0x8180;
const NAME_OF_QUESTION = 0xc00c;

export interface DnsServer extends AsyncDisposable {
  /** Resolves through this server, both families, without a cache. */
  resolve: Resolve;
  /** Names in the order in which their IPv4 addresses were asked for. */
  asked: string[];
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += length + 1;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function toBytes(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const groups = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const [head = [], tail = []] = groups.map((part) => part.split(':').filter(Boolean));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0');
  return Buffer.from([...head, ...zeros, ...tail].map((it) => it.padStart(4, '0')).join(''), 'hex');
}

function record(type: number, address: string): Buffer {
  const data = toBytes(address);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(NAME_OF_QUESTION, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  // Four bytes of zero: not to be kept at all.
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

/** `addresses` is called for every question about IPv4 addresses; its IPv6 ones are given to the question that follows. */
export async function startDnsServer(addresses: (name: string, nth: number) => string[]): Promise<DnsServer> {
  const asked: string[] = [];
  const latest = new Map<string, string[]>();
  const socket = createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = readQuestion(query);
    if (type === TYPES.A) {
      asked.push(name);
      latest.set(name, addresses(name, asked.length));
    }
    const found = (latest.get(name) ?? []).filter((it) => isIPv6(it) === (type === TYPES.AAAA));
    const head = Buffer.from(query.subarray(0, end));
    head.writeUInt16BE(REPLY, 2);
    head.writeUInt16BE(found.length, 6);
    head.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([head, ...found.map((it) => record(type, it))]), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  return {
    asked,
    async resolve(name) {
      const ipv4 = await resolver.resolve4(name).catch(() => []);
      const ipv6 = await resolver.resolve6(name).catch(() => []);
      return [...ipv4, ...ipv6].map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
    },
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(() => resolve())),
  };
}
