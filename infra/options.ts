// What a platform team decides when it deploys: read from the CDK context (`cdk.json`, or `-c name=value`).
// Everything else about the stack follows from lambdas/core/limits.ts.

import type { App } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { z } from 'zod';
import { WORK_BATCH_SIZE } from '../lambdas/core/limits.ts';
import { findNearMisses } from './option-names.ts';
import type { StorageProps } from './storage.ts';

/** Stages whose data may be thrown away with the stack. */
const DISPOSABLE_STAGES = ['dev', 'local'];

/** A number, or its text: `-c name=value` knows text only. */
const count = z.union([z.number(), z.string().regex(/^\d+$/, 'use a number').transform(Number)]);

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')]);

const optionsSchema = z.strictObject({
  /** Names the stack. In every stage but `dev` and `local` the data outlives the stack and is protected from deletion. */
  stage: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,19}$/, 'use lower-case letters, digits and dashes, at most 20')
    .default('dev'),
  /** `always` sends every async run through the machine, for those who want each run in the AWS console. */
  machineMode: z.enum(['onDemand', 'always']).default('onDemand'),
  /** Which addresses beside public https ones webhooks, http nodes and models may call. */
  privateTargets: z.enum(['none', 'loopback', 'private']).default('none'),
  /** What the code of flows may reach: the internet (and nothing of the account), or nothing at all, in a network of its own. */
  codeNetwork: z.enum(['internet', 'none']).default('internet'),
  /**
   * `tenant`: no two tenants share an environment of the functions that run code nodes. `call`: for Regions where Lambda does not
   * offer that; a call still has a process of its own, but Python may read what another tenant's call has left behind.
   */
  codeIsolation: z.enum(['tenant', 'call']).default('tenant'),
  /** A domain of your own; needed by clients that can only post to `/`. The certificate is in the stack's Region. */
  domain: z.strictObject({ name: z.string().min(1), certificateArn: z.string().startsWith('arn:') }).optional(),
  /** What callback addresses and links begin with, where callers come another way: `https://flows.example.com`. Default: the domain. */
  publicOrigin: z.url({ protocol: /^https?$/ }).optional(),
  /**
   * Access logs of the API. API Gateway writes them by a role that the whole account shares: `createRole` makes one and sets it,
   * `existingRole` uses what the account has set, `off` writes none.
   */
  accessLogs: z.enum(['createRole', 'existingRole', 'off']).default('createRole'),
  /** Functions that `lambda` nodes may invoke: names in this account and Region, or ARNs; `*` matches any characters. */
  invokableFunctions: z.array(z.string().min(1)).default([]),
  /** Endpoint that speaks OpenAI's wire: `openai/<model>` asks it. */
  openaiBaseUrl: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]).default(''),
  /** Secret whose text is that endpoint's key. */
  openaiKeySecretArn: z.union([z.literal(''), z.string().startsWith('arn:')]).default(''),
  /** Models, or inference profiles, of Bedrock in this Region that flows may ask, as `bedrock/<id>`. */
  bedrockModels: z.array(z.string().regex(/^[\w.:-]+$/)).default([]),
  /** Knowledge bases of Bedrock in this Region that `retrieve` nodes may search: name in flows → id. */
  knowledgeBases: z.record(z.string().regex(/^[A-Za-z]\w{0,63}$/), z.string().regex(/^[0-9A-Za-z]{10}$/)).default({}),
  /** Tables that were restored from a backup, by name, in use instead of those of the stack: docs/runbook.md#restoring-data. */
  restoredTables: z
    .strictObject({ runtime: z.string().min(3).optional(), catalog: z.string().min(3).optional() })
    .optional(),
  /** A KMS key of the account's own encrypts tables, queues, bucket and secret. Each request of KMS is billed. */
  customerManagedKey: flag.default(false),
  /** Requests a second that the runtime table and its indexes take from the first on: `{"reads": 20000, "writes": 10000}`. */
  warmThroughput: z.strictObject({ reads: z.int().min(12_000), writes: z.int().min(4_000) }).optional(),
  /** Where the functions run, but for those of code nodes. The subnets need a way to AWS as well. */
  targetNetwork: z
    .strictObject({
      subnetIds: z.array(z.string().startsWith('subnet-')).min(1),
      securityGroupIds: z.array(z.string().startsWith('sg-')).min(1),
    })
    .optional(),
  /** Traces of the functions and the machine in X-Ray. */
  tracing: flag.default(false),
  /** Days after which logs are removed: one of the numbers that CloudWatch offers. */
  logRetentionDays: count
    .refine((days) => Object.values(RetentionDays).includes(days), 'use a number of days that CloudWatch offers')
    .default(30),
  /** Of everything in the stack: name → value. */
  tags: z.record(z.string().min(1), z.string()).default({}),
  /** Policy that bounds every role of the stack. */
  permissionsBoundaryArn: z.string().startsWith('arn:').optional(),
  /** Web ACL of WAF, Regional, in front of the API. WAF sees the first 16 KB of a body, and no answer. */
  webAclArn: z.string().startsWith('arn:').optional(),
  /** Endpoints of `execute-api` in your VPCs: the API can then be reached by them, and no longer from the internet. */
  vpcEndpointIds: z.array(z.string().startsWith('vpce-')).default([]),
  /** SNS topic that receives every alarm. */
  alarmTopicArn: z.string().startsWith('arn:').optional(),
  /**
   * Concurrent executions that the account leaves to this stack (`npm run preflight` shows them). A new account may have 10; with
   * so few, calls and runs take turns.
   */
  concurrency: count.pipe(z.number().int().min(10)).default(1_000),
  /** Runs that one worker invocation takes at once. 1 keeps tenants in separate invocations, at a higher price. */
  workerBatchSize: count.pipe(z.number().int().min(1).max(10)).default(WORK_BATCH_SIZE),
  /**
   * Memory of the worker. Its waiting is most of what a run costs; half of it does where outputs stay small.
   * Reading a document takes up to 256 MB of it.
   */
  workerMemoryMb: count.pipe(z.number().int().min(256).max(10_240)).default(1_024),
});

const consistent = optionsSchema.refine(({ domain, vpcEndpointIds }) => !domain || vpcEndpointIds.length === 0, {
  path: ['domain'],
  message: 'a private API takes no domain of the internet',
});

export type PlatformOptions = z.infer<typeof optionsSchema>;
/** The same options, where whoever writes them leaves out what has a default. */
export type ErrandProps = z.input<typeof optionsSchema>;

export const OPTION_NAMES = Object.keys(optionsSchema.shape);

/** Throws an error that names every wrong option, and every name that was meant to be one. */
export function readOptions(app: App): PlatformOptions {
  const misses = findNearMisses(Object.keys(app.node.getAllContext()), OPTION_NAMES);
  if (misses.length > 0) throw new Error(`The stack has no such option: ${misses.join('; ')}`);
  const values = OPTION_NAMES.map((name) => [name, parseValue(app.node.tryGetContext(name))]);
  return parseOptions(Object.fromEntries(values));
}

/** Throws an error that names every wrong option, and every name that is none. */
export function parseOptions(values: Record<string, unknown>): PlatformOptions {
  const parsed = consistent.safeParse(values);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join('.')}: ${message}` : message,
  );
  throw new Error(`The stack's options are wrong: ${problems.join('; ')}`);
}

/** On one machine (`local`) nothing is ever deleted by a stack. */
export function describeData(options: PlatformOptions): StorageProps {
  const { stage, restoredTables, customerManagedKey, warmThroughput } = options;
  const disposable = DISPOSABLE_STAGES.includes(stage);
  return {
    disposable,
    emptied: disposable && stage !== 'local',
    restored: restoredTables,
    ownKey: customerManagedKey,
    warm: warmThroughput,
  };
}

// `-c name=value` hands every value over as text, objects and lists too.
function parseValue(value: unknown): unknown {
  if (typeof value !== 'string' || !/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
