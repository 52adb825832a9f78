// The platform, composed: its parts, and who may start and wake runs. A stack of its own holds it (platform-stack.ts), or
// a stack of somebody else (errand.ts). What each part is, its own file says.

import type { Construct } from 'constructs';
import {
  DELIVER_TIMEOUT_SECONDS,
  QUEUE_DELAY_MAX_SECONDS,
  WORK_TIMEOUT_SECONDS,
  WORK_VISIBILITY_SECONDS,
} from '../lambdas/core/limits.ts';
import { Advance } from './advance.ts';
import { sendAlarms } from './alarms.ts';
import { Api } from './api.ts';
import { CodeNodes } from './code.ts';
import type { PlatformContext } from './context.ts';
import { Overview } from './dashboard.ts';
import { Deliver } from './deliver.ts';
import { FlowBoundary } from './flow-boundary.ts';
import { describeData, type PlatformOptions } from './options.ts';
import { PlatformQueue } from './queue.ts';
import { applyStackWide } from './stack-wide.ts';
import { Storage } from './storage.ts';
import { Sweep } from './sweep.ts';
import { Work } from './work.ts';

export interface Platform extends Pick<PlatformContext, 'storage' | 'runs' | 'deliveries'> {
  api: Api;
  sweep: Sweep;
}

/** The parts are children of the scope itself: their ids, and with them the stored data, depend on nothing in between. */
export function composePlatform(
  scope: Construct,
  { options, bundles }: { options: PlatformOptions; bundles: string },
): Platform {
  const storage = new Storage(scope, 'Storage', describeData(options));
  const context: PlatformContext = {
    options,
    bundles,
    storage,
    runs: makeRunsQueue(scope, storage),
    deliveries: makeDeliveriesQueue(scope, storage),
    code: new CodeNodes(scope, 'Code', { bundles, options }),
  };
  const advance = new Advance(scope, 'Advance', { context });
  const { stateMachineArn: machineArn } = advance.machine;
  const api = new Api(scope, 'Api', { context, machineArn });
  const work = new Work(scope, 'Work', { context, machineArn });
  const deliver = new Deliver(scope, 'Deliver', { context });
  const sweep = new Sweep(scope, 'Sweep', { context, machineArn });
  advance.grantStart(api.function, work.function, sweep.function);
  advance.grantWake(api.function, work.function, advance.function, sweep.function);

  const functions = {
    api: api.function,
    work: work.function,
    advance: advance.function,
    deliver: deliver.function,
    sweep: sweep.function,
  };
  new FlowBoundary(scope, 'FlowBoundary', { ...context, machine: advance.machine, functions });
  new Overview(scope, 'Overview', { ...context, api, advance, functions });
  if (options.alarmTopicArn) sendAlarms(scope, options.alarmTopicArn);
  applyStackWide(scope, options, context.storage);
  return { ...context, api, sweep };
}

function makeRunsQueue(scope: Construct, { key }: Storage): PlatformQueue {
  return new PlatformQueue(scope, 'Runs', {
    key,
    visibilitySeconds: WORK_VISIBILITY_SECONDS,
    // A delayed message is at most this old when it is first received.
    backlogSeconds: QUEUE_DELAY_MAX_SECONDS + WORK_TIMEOUT_SECONDS,
    backlogImpact: 'Async runs stay pending: they are accepted faster than they are worked on.',
    deadLetterImpact: 'A queued run crashed its worker again and again; it ends as failed with run-crashed.',
  });
}

function makeDeliveriesQueue(scope: Construct, { key }: Storage): PlatformQueue {
  return new PlatformQueue(scope, 'Deliveries', {
    key,
    visibilitySeconds: 6 * DELIVER_TIMEOUT_SECONDS,
    backlogSeconds: QUEUE_DELAY_MAX_SECONDS + DELIVER_TIMEOUT_SECONDS,
    backlogImpact: 'Webhooks are delivered late: runs end faster than their webhooks are called.',
    deadLetterImpact:
      'A webhook is delivered late: its message failed again and again, and the sweeper enqueues it again.',
  });
}
