// The verb advance: the Step Functions machine, and the function that it calls to run slices of long and waiting runs.

import { Stack, Validations } from 'aws-cdk-lib';
import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { DefinitionBody, StateMachine, StateMachineType } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { ADVANCE_TIMEOUT_SECONDS } from '../lambdas/core/limits.ts';
import { acknowledgeWildcards } from './acknowledge.ts';
import { alarmOnCrashedRuns, alarmOnMachineFailures, alarmOnMachineThrottles } from './alarms.ts';
import { grantSlices, type PlatformContext, sliceEnvironment } from './context.ts';
import { PlatformFunction } from './function.ts';
import type { PlatformOptions } from './options.ts';
import { runMachine } from './run-machine.ts';

export interface AdvanceProps {
  context: PlatformContext;
}

export class Advance extends Construct {
  readonly function: PlatformFunction<'advance'>;
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, { context }: AdvanceProps) {
    super(scope, id);
    this.function = new PlatformFunction(this, 'Function', {
      name: 'advance',
      description: 'Runs slices of long and waiting runs',
      bundles: context.bundles,
      environment: sliceEnvironment(context),
      timeoutSeconds: ADVANCE_TIMEOUT_SECONDS,
      memoryMb: 512,
      impact: 'Long and waiting runs continue late: their machine, then the sweeper, tries them again.',
    });
    grantSlices(context, this.function);
    context.storage.grantCatalogRead(this.function);
    this.machine = this.stateMachine(context.options);
    alarmOnCrashedRuns(this, { service: 'advance', stage: context.options.stage });
    alarmOnMachineFailures(
      this,
      this.machine,
      'Long and waiting runs make no progress until the sweeper hands them off again.',
    );
    alarmOnMachineThrottles(this, this.machine, 'Runs that wait or take long continue late: executions start slowly.');
  }

  /** For functions that hand runs off to the machine. */
  grantStart(...functions: { role: Role }[]): void {
    this.allow('StartExecutions', ['states:StartExecution'], functions);
  }

  /** For functions that wake parked runs. */
  grantWake(...functions: { role: Role }[]): void {
    this.allow('WakeParkedRuns', ['states:SendTaskSuccess', 'states:SendTaskFailure'], functions);
  }

  private stateMachine({ tracing }: PlatformOptions): StateMachine {
    const stack = Stack.of(this);
    const { functionArn } = this.function.lambda;
    const definition = runMachine({ advanceArn: functionArn, partition: stack.partition });
    const role = new Role(this, 'MachineRole', { assumedBy: new ServicePrincipal('states.amazonaws.com') });
    role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [functionArn] }));
    const machine = new StateMachine(this, 'Machine', {
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromString(stack.toJsonString(definition)),
      role,
      ...(tracing && { tracingEnabled: true }),
    });
    if (tracing) acknowledgeWildcards(role, ['*'], 'X-Ray knows no narrower resource.');
    Validations.of(machine).acknowledge(
      {
        id: 'AwsSolutions-SF1',
        reason:
          'Executions carry ids only and Step Functions keeps their history for 90 days; the function logs the rest.',
      },
      {
        id: 'AwsSolutions-SF2',
        reason: 'A run is followed by its id through logs and records, across executions and queues.',
      },
    );
    return machine;
  }

  // Policies of their own: the machine depends on `advance`, so a default policy of that function that names the
  // machine would be a circular dependency.
  private allow(id: string, actions: string[], functions: { role: Role }[]): void {
    const statements = [new PolicyStatement({ actions, resources: [this.machine.stateMachineArn] })];
    new Policy(this, id, { roles: functions.map(({ role }) => role), statements });
  }
}
