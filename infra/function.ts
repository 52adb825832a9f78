// One function of the platform: runtime, bundle, role, logs and alarms. Its environment is typed by lambdas/env.ts,
// so a variable that the function reads and the stack does not set fails to compile.

import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { type IGrantable, type IPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, RecursiveLoop, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Environment, FunctionName } from '../lambdas/env.ts';
import { alarmOnErrors, alarmOnThrottles } from './alarms.ts';

export interface PlatformFunctionProps<Name extends FunctionName> {
  /** Which file of lambdas/ this is. */
  name: Name;
  description: string;
  /** Directory that holds one bundle per function. */
  bundles: string;
  environment: Environment<Name>;
  timeoutSeconds: number;
  memoryMb: number;
  /** What users notice while the function fails or is throttled. */
  impact: string;
}

export class PlatformFunction<Name extends FunctionName> extends Construct implements IGrantable {
  readonly lambda: LambdaFunction;
  readonly role: Role;
  readonly grantPrincipal: IPrincipal;

  constructor(scope: Construct, id: string, props: PlatformFunctionProps<Name>) {
    super(scope, id);
    const logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    // AWS's managed role may write to every log group of the account; this one may write to its own.
    this.role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.grantPrincipal = this.role;
    logGroup.grantWrite(this.role);
    this.lambda = new LambdaFunction(this, 'Function', {
      description: props.description,
      code: Code.fromAsset(join(props.bundles, props.name)),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      environment: { ...props.environment },
      timeout: Duration.seconds(props.timeoutSeconds),
      memorySize: props.memoryMb,
      role: this.role,
      logGroup,
      // Functions send messages to each other's queues on purpose, and attempts are capped by the platform itself. Lambda would
      // take a long chain of runs for a runaway loop and drop it after about 16 hops.
      recursiveLoop: RecursiveLoop.ALLOW,
    });
    alarmOnErrors(this, this.lambda, props.impact);
    alarmOnThrottles(this, this.lambda, props.impact);
  }
}
