// The functions of the template, and how one is found by name.

import { z } from 'zod';
import type { Assembly, Resource } from '../assembly.ts';
import { functionArn, readFunctionName } from '../aws-names.ts';
import { readEach } from './parse.ts';

export interface FunctionSpec {
  name: string;
  arn: string;
  /** Path of its construct in the tree. */
  path: string;
  directory: string;
  runtime: 'nodejs' | 'python';
  /** Invocations name their tenant, and those of two tenants never share an environment. */
  perTenant: boolean;
  /** `index.handler`, relative to the directory. */
  handler: string;
  timeoutSeconds: number;
  memoryMb: number;
  environment: Record<string, string>;
}

const schema = z.object({
  Runtime: z.string().regex(/^(nodejs|python)\d/),
  TenancyConfig: z.strictObject({ TenantIsolationMode: z.literal('PER_TENANT') }).optional(),
  Handler: z.string().regex(/^[\w/-]+\.\w+$/),
  Code: z.object({ S3Key: z.string() }),
  Timeout: z.number().default(3),
  MemorySize: z.number().default(128),
  Environment: z.object({ Variables: z.record(z.string(), z.coerce.string()) }).optional(),
});

export function readFunctions(assembly: Assembly): FunctionSpec[] {
  return readEach(assembly.resources, 'AWS::Lambda::Function', (resource) => readFunction(resource, assembly));
}

function readFunction({ logicalId, path, properties }: Resource, assembly: Assembly): FunctionSpec {
  const { Runtime, TenancyConfig, Handler, Code, Timeout, MemorySize, Environment } = schema.parse(properties);
  const directory = assembly.assetDirectory(Code.S3Key);
  if (!directory) throw new Error(`its code ${Code.S3Key} is not a directory of the assembly`);
  return {
    name: logicalId,
    arn: functionArn(logicalId),
    path,
    directory,
    runtime: Runtime.startsWith('python') ? 'python' : 'nodejs',
    perTenant: TenancyConfig !== undefined,
    handler: Handler,
    timeoutSeconds: Timeout,
    memoryMb: MemorySize,
    environment: Environment?.Variables ?? {},
  };
}

/** By name, by ARN, or by the name of a construct that contains it (`sweep` for `Errand/Sweep/Function`). */
export function findFunction(functions: FunctionSpec[], nameOrArn: string): FunctionSpec | undefined {
  const name = readFunctionName(nameOrArn);
  const named = functions.find((spec) => spec.name === name);
  if (named) return named;
  const wanted = name.toLowerCase();
  return functions.find(({ path }) => path.toLowerCase().split('/').includes(wanted));
}
