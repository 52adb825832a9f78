// What there is to run, in the runtime's own words, read from the resolved template. A property that cannot be
// honoured on this machine stops the boot instead of being dropped.

import type { Assembly } from '../assembly.ts';
import type { Place } from '../resource-types.ts';
import { type FunctionSpec, readFunctions } from './functions.ts';
import { type Api, readApi } from './routes.ts';
import {
  type QueueSpec,
  readBuckets,
  readQueues,
  readSecrets,
  readTables,
  type SecretSpec,
  type TableSpec,
} from './storage.ts';
import {
  type EventSource,
  type Machine,
  readEventSources,
  readMachines,
  readSchedules,
  type Schedule,
} from './triggers.ts';

export interface Blueprint {
  functions: FunctionSpec[];
  tables: TableSpec[];
  queues: QueueSpec[];
  buckets: string[];
  secrets: SecretSpec[];
  machines: Machine[];
  eventSources: EventSource[];
  schedules: Schedule[];
  api: Api;
}

export function readBlueprint(assembly: Assembly, place: Place): Blueprint {
  const { resources } = assembly;
  return {
    functions: readFunctions(assembly),
    tables: readTables(resources),
    queues: readQueues(resources, place),
    buckets: readBuckets(resources),
    secrets: readSecrets(resources),
    machines: readMachines(resources),
    eventSources: readEventSources(resources),
    schedules: readSchedules(resources),
    api: readApi(resources),
  };
}
