// Which addresses may be called: the rules for URLs as written and for the IP addresses that names resolve to.
// Pure; the guarded client (lambdas/net) resolves names, pins the checked address and follows redirects.

import { BlockList, isIP } from 'node:net';
import { ApiError } from '../errors.ts';

/**
 * none: https to public addresses, on port 443 or any from 1024 (webhook receivers use 8443 and the like; lower ports
 * belong to mail, DNS and other services that must not be called). loopback: also http, any port, this machine.
 * private: also private networks. Link-local, metadata and reserved addresses are refused under every policy.
 */
export type TargetPolicy = 'none' | 'loopback' | 'private';

type AddressClass = 'public' | 'loopback' | 'private' | 'reserved';
type Family = 'ipv4' | 'ipv6';

const ALLOWED: Record<TargetPolicy, readonly AddressClass[]> = {
  none: ['public'],
  loopback: ['public', 'loopback'],
  private: ['public', 'loopback', 'private'],
};

const MIN_UNPRIVILEGED_PORT = 1_024;

// A list per family: BlockList looks an IPv4 address up in the IPv4-mapped IPv6 rules too, so `::ffff:0:0/96` in a
// shared list would refuse the whole of IPv4.
const makeList = (family: Family, subnets: string[]): BlockList => {
  const made = new BlockList();
  for (const subnet of subnets) {
    const [network = '', prefix = ''] = subnet.split('/');
    made.addSubnet(network, Number(prefix), family);
  }
  return made;
};

const LOOPBACK = { ipv4: makeList('ipv4', ['127.0.0.0/8']), ipv6: makeList('ipv6', ['::1/128']) };

const PRIVATE = {
  ipv4: makeList('ipv4', ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10']),
  ipv6: makeList('ipv6', ['fc00::/7']),
};

// https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry, and the addresses under
// which clouds answer with credentials: 169.254.169.254, fd00:ec2::254 (AWS), 100.100.100.200 and 168.63.129.16.
const RESERVED = {
  ipv4: makeList('ipv4', [
    '0.0.0.0/8',
    '169.254.0.0/16',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.88.99.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
    '100.100.100.200/32',
    '168.63.129.16/32',
  ]),
  // Inside 2000::/3: IETF protocols (Teredo, ORCHID, benchmarking), documentation and 6to4.
  ipv6: makeList('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20', 'fd00:ec2::/32']),
};

// All public IPv6 addresses lie in here; mapped, compatible, NAT64, link-local and multicast ones lie outside.
const GLOBAL_IPV6 = makeList('ipv6', ['2000::/3']);

function classifyAddress(ip: string): AddressClass {
  const version = isIP(ip);
  // A zone (`fe80::1%eth0`) only makes sense on a link.
  if (version === 0 || ip.includes('%')) return 'reserved';
  const family: Family = version === 4 ? 'ipv4' : 'ipv6';
  if (RESERVED[family].check(ip, family)) return 'reserved';
  if (LOOPBACK[family].check(ip, family)) return 'loopback';
  if (PRIVATE[family].check(ip, family)) return 'private';
  return family === 'ipv4' || GLOBAL_IPV6.check(ip, family) ? 'public' : 'reserved';
}

/** Whether a connection to this IP address may be opened. */
export function isAllowedAddress(ip: string, policy: TargetPolicy): boolean {
  return ALLOWED[policy].includes(classifyAddress(ip));
}

const refuse = (message: string): never => {
  throw new ApiError('unsafe-url', message);
};

// Names of this machine or of a private network, wherever they are resolved (RFC 6761, 6762, 8375, 9476).
const PRIVATE_SUFFIX = /(^|\.)(local|internal|intranet|corp|home|lan|home\.arpa|localdomain)$/;
const LOOPBACK_NAME = /(^|\.)(localhost|localhost6?\.localdomain6?)$/;
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;

function classifyName(name: string): AddressClass {
  if (LOOPBACK_NAME.test(name)) return 'loopback';
  // The resolver completes a name of one label with its search list, which leads into a private network.
  return PRIVATE_SUFFIX.test(name) || !name.includes('.') ? 'private' : 'public';
}

function checkHost(url: URL, policy: TargetPolicy): void {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  const literal = isIP(host) !== 0;
  if (!literal && !host.split('.').every((label) => LABEL.test(label))) refuse(`'${host}' is not a host name`);
  const found = literal ? classifyAddress(host) : classifyName(host);
  if (ALLOWED[policy].includes(found)) return;
  refuse(found === 'reserved' ? `'${host}' is a reserved address` : `'${host}' is a ${found} address`);
}

/** Throws for a port that the platform keeps to itself, wherever the name may lead. */
export function refuseOwnPorts(url: URL, ownPorts: ReadonlySet<number>): URL {
  if (ownPorts.has(Number(url.port))) refuse(`Port ${url.port} belongs to the platform itself`);
  return url;
}

function checkPort(url: URL, policy: TargetPolicy): void {
  if (url.port === '' || policy !== 'none') return;
  const port = Number(url.port);
  if (port < MIN_UNPRIVILEGED_PORT) refuse(`Port ${port} may not be called: use 443, or a port from 1024`);
}

/** Throws ApiError('unsafe-url') naming why this URL may not be called. Names are checked here, not resolved. */
export function checkUrl(text: string, policy: TargetPolicy): URL {
  const url = URL.parse(text) ?? refuse('The address is not an absolute URL');
  const schemes = policy === 'none' ? ['https:'] : ['https:', 'http:'];
  if (!schemes.includes(url.protocol)) {
    refuse(`The address must begin with ${policy === 'none' ? 'https://' : 'https:// or http://'}`);
  }
  // Userinfo disguises the host to a reader, and would be sent and logged as a credential.
  if (url.username !== '' || url.password !== '') refuse('The address may not contain a user name or password');
  checkHost(url, policy);
  checkPort(url, policy);
  return url;
}
