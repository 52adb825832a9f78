// What every function of the platform needs: storage, queues and options, and their names in its environment.

import { Stack } from 'aws-cdk-lib';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Environment } from '../lambdas/env.ts';
import { acknowledgeWildcards } from './acknowledge.ts';
import type { CodeNodes } from './code.ts';
import type { PlatformOptions } from './options.ts';
import type { PlatformQueue } from './queue.ts';
import type { Storage } from './storage.ts';

export interface PlatformContext {
  options: PlatformOptions;
  /** Directory that holds one bundle per function. */
  bundles: string;
  storage: Storage;
  runs: PlatformQueue;
  deliveries: PlatformQueue;
  code: CodeNodes;
}

/** Of a queue: a fifth of what the account has, so that both queues leave most of it to callers. 2 is the least that Lambda takes. */
export function shareConcurrency({ options }: PlatformContext, most: number): number {
  return Math.min(most, Math.max(2, Math.floor(options.concurrency / 5)));
}

/** The variables that all functions share: exactly those of `deliver`, which has no others. */
export function platformEnvironment({ options, storage, runs, deliveries }: PlatformContext): Environment<'deliver'> {
  return {
    STAGE: options.stage,
    RUNTIME_TABLE: storage.runtime.tableName,
    CATALOG_TABLE: storage.catalog.tableName,
    PAYLOAD_BUCKET: storage.payloads.bucketName,
    RUNS_QUEUE_URL: runs.queue.queueUrl,
    DELIVERIES_QUEUE_URL: deliveries.queue.queueUrl,
    PLATFORM_SECRET_ARN: storage.secret.secretArn,
    PRIVATE_TARGETS: options.privateTargets,
  };
}

/** The variables of functions that run slices: exactly those of `advance`, which has no others. */
export function sliceEnvironment(context: PlatformContext): Environment<'advance'> {
  const { code, options } = context;
  return {
    ...platformEnvironment(context),
    CODE_NODE_FUNCTION: code.javascript.functionName,
    CODE_PYTHON_FUNCTION: code.python.functionName,
    CODE_ISOLATION: options.codeIsolation,
    OPENAI_BASE_URL: options.openaiBaseUrl,
    OPENAI_KEY_SECRET_ARN: options.openaiKeySecretArn,
    BEDROCK_MODELS: options.bedrockModels.join(','),
    KNOWLEDGE_BASES: Object.entries(options.knowledgeBases)
      .map((base) => base.join('='))
      .join(','),
  };
}

/** What ending a run needs: its records and payloads, the secret, and the queues of whoever is next. */
export function grantSettling({ storage, runs, deliveries }: PlatformContext, fn: IGrantable & Construct): void {
  storage.grantRuntime(fn);
  storage.grantPayloads(fn);
  storage.grantSecret(fn);
  runs.grantSend(fn);
  deliveries.grantSend(fn);
}

/** What running a slice needs: settling, the functions of code nodes, and those that `lambda` nodes may invoke. */
export function grantSlices(context: PlatformContext, fn: IGrantable & Construct): void {
  grantSettling(context, fn);
  const { code, options } = context;
  const invokable = options.invokableFunctions.flatMap((name) => functionArns(Stack.of(fn), name));
  acknowledgeWildcards(
    fn,
    invokable,
    'The deployment names the functions; a name means all versions and aliases of it.',
  );
  const resources = [code.javascript.functionArn, code.python.functionArn, ...invokable];
  fn.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources }));
  grantModelsAndKnowledge(options, fn);
}

function grantModelsAndKnowledge(options: PlatformOptions, fn: IGrantable & Construct): void {
  const { openaiKeySecretArn, bedrockModels, knowledgeBases } = options;
  const allow = (actions: string[], resources: string[]) =>
    resources.length > 0 && fn.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions, resources }));
  allow(['secretsmanager:GetSecretValue'], openaiKeySecretArn ? [openaiKeySecretArn] : []);
  const stack = Stack.of(fn);
  const arns = bedrockModels.flatMap((id) => [
    ...listModels(id).map((model) => `arn:${stack.partition}:bedrock:*::foundation-model/${model}`),
    stack.formatArn({ service: 'bedrock', resource: 'inference-profile', resourceName: id }),
  ]);
  acknowledgeWildcards(
    fn,
    arns,
    'A profile chooses the Region of its model itself; the model is the one of the deployment.',
  );
  allow(['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'], arns);
  const bases = Object.values(knowledgeBases).map((id) =>
    stack.formatArn({ service: 'bedrock', resource: 'knowledge-base', resourceName: id }),
  );
  allow(['bedrock:Retrieve'], bases);
}

// A profile (`us.anthropic.…`, `us-gov.…`) asks the model behind it in several Regions, and needs a grant on both. AWS adds
// geographies, so none is listed here: what has two dots may be either, and a grant on a model that is not there is idle.
function listModels(id: string): string[] {
  const [, behind] = /^[a-z-]+\.(.+\..+)$/.exec(id) ?? [];
  return behind === undefined ? [id] : [id, behind];
}

// A qualifier is part of the ARN that IAM compares, so a name means the function and all its versions and aliases.
function functionArns(stack: Stack, name: string): string[] {
  if (name.startsWith('arn:')) return [name];
  const arn = stack.formatArn({ service: 'lambda', resource: `function:${name}` });
  return [arn, `${arn}:*`];
}
