// The functions that run code nodes: what tenants write runs here, where there is nothing to reach and nothing to steal.
// Their role may write their log and no more, and Lambda keeps the environments of tenants apart.

import { join } from 'node:path';
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, Runtime, TenancyConfig } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { CODE_FUNCTION_MEMORY_MB, CODE_FUNCTION_TIMEOUT_SECONDS } from '../lambdas/core/limits.ts';
import { alarmOnErrors, alarmOnThrottles } from './alarms.ts';
import { IsolatedNetwork } from './isolated-network.ts';
import type { PlatformOptions } from './options.ts';

export interface CodeNodesProps {
  /** Directory that holds one bundle per function. */
  bundles: string;
  options: Pick<PlatformOptions, 'codeNetwork' | 'codeIsolation'>;
}

export class CodeNodes extends Construct {
  readonly javascript: LambdaFunction;
  readonly python: LambdaFunction;

  constructor(scope: Construct, id: string, { bundles, options }: CodeNodesProps) {
    super(scope, id);
    const isolated = {
      perTenant: options.codeIsolation === 'tenant',
      ...(options.codeNetwork === 'none' && { network: new IsolatedNetwork(this, 'Network') }),
    };
    this.javascript = codeFunction(new Construct(this, 'JavaScript'), {
      language: 'JavaScript',
      runtime: Runtime.NODEJS_24_X,
      directory: join(bundles, 'code-node'),
      ...isolated,
    });
    this.python = codeFunction(new Construct(this, 'Python'), {
      language: 'Python',
      runtime: Runtime.PYTHON_3_13,
      directory: join(bundles, 'code-python'),
      ...isolated,
    });
    Validations.of(this.python).acknowledge({
      id: 'AwsSolutions-L1',
      reason: 'A newer Python could break what tenants have written; 3.13 is what the flow format promises.',
    });
  }
}

interface CodeFunction {
  language: string;
  runtime: Runtime;
  directory: string;
  perTenant: boolean;
  /** Without one: the internet. */
  network?: IsolatedNetwork;
}

function codeFunction(scope: Construct, props: CodeFunction): LambdaFunction {
  const { language, runtime, directory, perTenant, network } = props;
  const logGroup = new LogGroup(scope, 'Logs', {
    retention: RetentionDays.ONE_MONTH,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = new Role(scope, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  logGroup.grantWrite(role);
  network?.grantAttach(role);
  const lambda = new LambdaFunction(scope, 'Function', {
    description: `Runs the ${language} of code nodes, each call in a process of its own`,
    code: Code.fromAsset(directory),
    handler: 'index.handler',
    runtime,
    architecture: Architecture.ARM_64,
    // Starts the runtime without the role's credentials: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-modify.html
    environment: { AWS_LAMBDA_EXEC_WRAPPER: '/var/task/without-credentials' },
    timeout: Duration.seconds(CODE_FUNCTION_TIMEOUT_SECONDS),
    memorySize: CODE_FUNCTION_MEMORY_MB,
    // Can be set only when the function is made: https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html
    ...(perTenant && { tenancyConfig: TenancyConfig.PER_TENANT }),
    role,
    logGroup,
    ...(network && { vpc: network.vpc, securityGroups: [network.securityGroup] }),
  });
  const impact = `${language} of code nodes is not run: their nodes fail or are tried again.`;
  alarmOnErrors(scope, lambda, impact);
  alarmOnThrottles(scope, lambda, impact);
  return lambda;
}
