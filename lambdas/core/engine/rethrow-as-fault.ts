// A store that is away says nothing about the node that asked it: only a rejection is the node's failure.

import { ApiError, PlatformFault } from '../errors.ts';

export async function rethrowAsFault<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ApiError ? error : new PlatformFault(error);
  }
}

/** The same for each method of a store. */
export function rethrowStoreFaults<Store extends object>(store: Store): Store {
  return new Proxy(store, {
    get(target, name, receiver) {
      const method = Reflect.get(target, name, receiver);
      if (typeof method !== 'function') return method;
      return (...args: unknown[]) => rethrowAsFault(async () => method.apply(target, args));
    },
  });
}
