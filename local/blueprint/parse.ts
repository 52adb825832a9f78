// Reads all resources of a type, naming the resource in whatever is wrong with it.

import { z } from 'zod';
import type { Resource } from '../assembly.ts';

export function readEach<Spec>(resources: Resource[], type: string, read: (resource: Resource) => Spec): Spec[] {
  return resources.filter((resource) => resource.type === type).map((resource) => readOne(resource, read));
}

function readOne<Spec>(resource: Resource, read: (resource: Resource) => Spec): Spec {
  try {
    return read(resource);
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : (cause as Error).message;
    throw new Error(`${resource.logicalId} (${resource.type}) cannot be run locally: ${problem}`, { cause });
  }
}
