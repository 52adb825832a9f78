// Name resolution that cannot be rebound: the addresses are resolved once per connection, every one of them is checked,
// and the connection goes to exactly those. Literal IP addresses never come here; checkUrl checks them.

import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { ApiError } from '../core/errors.ts';
import { isAllowedAddress, type TargetPolicy } from '../core/outbound/safe-url.ts';
import { HttpFault } from '../core/ports/http.ts';

export interface ResolvedAddress {
  address: string;
  family: number;
}

export type Resolve = (name: string) => Promise<ResolvedAddress[]>;

export const resolveName: Resolve = (name) => systemLookup(name, { all: true, order: 'verbatim' });

async function resolveAndCheck(name: string, policy: TargetPolicy, resolve: Resolve): Promise<ResolvedAddress[]> {
  const addresses = await resolve(name).catch((cause: unknown) => {
    throw new HttpFault('dns', `The name '${name}' could not be resolved`, cause);
  });
  if (addresses.length === 0) throw new HttpFault('dns', `The name '${name}' has no address`);
  // One internal address among public ones is how rebinding looks, so the name is refused.
  if (addresses.every(({ address }) => isAllowedAddress(address, policy))) return addresses;
  throw new ApiError('unsafe-url', `The name '${name}' resolves to an address that may not be called`);
}

/** A `lookup` for node:net. */
export function guardedLookup(policy: TargetPolicy, resolve: Resolve): LookupFunction {
  return (name, options, callback) => {
    resolveAndCheck(name, policy, resolve).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all) callback(null, addresses);
        else callback(null, first?.address ?? '', first?.family);
      },
      (error: Error) => callback(error, ''),
    );
  };
}
