// What flows must not reach through the roles that run them. A `lambda` node calls whatever its role may invoke, and a
// deployment may allow it every function; an explicit denial wins over all that is allowed, here or by others.

import { Stack, Tags } from 'aws-cdk-lib';
import { Effect, Policy, PolicyStatement, type PolicyStatementProps, type Role } from 'aws-cdk-lib/aws-iam';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { FunctionName } from '../lambdas/env.ts';
import type { PlatformFunction } from './function.ts';
import type { PlatformQueue } from './queue.ts';

type Runner = 'api' | 'work' | 'advance';

export interface FlowBoundaryProps {
  functions: { [Name in FunctionName]: PlatformFunction<Name> };
  runs: PlatformQueue;
  deliveries: PlatformQueue;
  machine: StateMachine;
}

/** On every function of the platform, so that a stack denies those of its neighbours too. */
const TAG = { name: 'errand:internal', value: 'true' };

const INVOKE = ['lambda:InvokeFunction', 'lambda:InvokeFunctionUrl', 'lambda:InvokeAsync'];
const SEND = ['sqs:SendMessage'];
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions
const RECEIVE = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'];
const WAKE = ['states:SendTaskSuccess', 'states:SendTaskFailure'];
const START = ['states:StartExecution'];

/** All that a role may do with a queue or the machine. */
const NEEDS: Record<Runner, { runs: string[]; deliveries: string[]; machine: string[] }> = {
  api: { runs: SEND, deliveries: SEND, machine: [...START, ...WAKE] },
  work: { runs: [...SEND, ...RECEIVE, 'sqs:GetQueueUrl'], deliveries: SEND, machine: [...START, ...WAKE] },
  advance: { runs: SEND, deliveries: SEND, machine: WAKE },
};

export class FlowBoundary extends Construct {
  constructor(scope: Construct, id: string, props: FlowBoundaryProps) {
    super(scope, id);
    for (const { lambda } of Object.values(props.functions)) Tags.of(lambda).add(TAG.name, TAG.value);
    for (const runner of Object.keys(NEEDS) as Runner[]) this.bound(runner, props);
  }

  // A policy of its own: in the role's default policy the functions would depend on each other in a circle.
  private bound(runner: Runner, { functions, runs, deliveries, machine }: FlowBoundaryProps): void {
    const needs = NEEDS[runner];
    const arns = Object.values(functions).flatMap(({ lambda }) => [lambda.functionArn, `${lambda.functionArn}:*`]);
    const statements = [
      deny({ actions: INVOKE, resources: arns }),
      deny({
        actions: INVOKE,
        resources: ['*'],
        conditions: { StringEquals: { [`aws:ResourceTag/${TAG.name}`]: TAG.value } },
      }),
      deny({ notActions: needs.runs, resources: [runs.queue.queueArn] }),
      deny({ notActions: needs.deliveries, resources: [deliveries.queue.queueArn] }),
      deny({ actions: ['sqs:*'], resources: [runs.deadLetters.queueArn, deliveries.deadLetters.queueArn] }),
      deny({ notActions: needs.machine, resources: [machine.stateMachineArn] }),
      deny({ actions: ['states:*'], resources: [this.executions(machine)] }),
    ];
    const role: Role = functions[runner].role;
    new Policy(this, `${runner[0]?.toUpperCase()}${runner.slice(1)}`, { roles: [role], statements });
  }

  private executions({ stateMachineName }: StateMachine): string {
    return Stack.of(this).formatArn({ service: 'states', resource: `execution:${stateMachineName}:*` });
  }
}

function deny(props: PolicyStatementProps): PolicyStatement {
  return new PolicyStatement({ ...props, effect: Effect.DENY });
}
