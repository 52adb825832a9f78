// Which CloudFormation resource types the local runtime runs, which it knowingly leaves out, and what a reference to
// each is worth. A type in neither list stops the boot: nothing is silently missing on this machine.

import { ACCOUNT, bucketName, functionArn, machineArn, queueArn, REGION, secretArn, tableArn } from './aws-names.ts';

interface Identity {
  ref(logicalId: string, place: Place): string;
  attributes: Record<string, (logicalId: string, place: Place) => string>;
}

/** Where the emulators are, for what is referred to by URL. */
export interface Place {
  queuesEndpoint: string;
}

// The SDK takes the host of a queue's URL for the endpoint, so the URL must lead to the emulator.
export const queueUrl = (id: string, place: Place) => `${place.queuesEndpoint}/${ACCOUNT}/${id}`;
const nameOnly: Identity = { ref: (id) => id, attributes: {} };
const table: Identity = { ref: (id) => id, attributes: { Arn: tableArn } };

const RUN: Record<string, Identity> = {
  'AWS::ApiGateway::GatewayResponse': nameOnly,
  'AWS::ApiGateway::Method': nameOnly,
  'AWS::ApiGateway::Resource': nameOnly,
  'AWS::ApiGateway::RestApi': { ref: (id) => id, attributes: { RootResourceId: (id) => `${id}.root` } },
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::DynamoDB::Table': table,
  'AWS::Lambda::EventSourceMapping': nameOnly,
  'AWS::Lambda::Function': { ref: (id) => id, attributes: { Arn: functionArn } },
  'AWS::S3::Bucket': {
    ref: bucketName,
    attributes: { Arn: (id) => `arn:aws:s3:::${bucketName(id)}` },
  },
  'AWS::SQS::Queue': {
    ref: queueUrl,
    attributes: { Arn: queueArn, QueueName: (id) => id, QueueUrl: queueUrl },
  },
  'AWS::Scheduler::Schedule': nameOnly,
  'AWS::SecretsManager::Secret': { ref: secretArn, attributes: { Id: secretArn } },
  'AWS::StepFunctions::StateMachine': {
    ref: machineArn,
    attributes: { Arn: machineArn, Name: (id) => id },
  },
};

const IGNORED = new Set([
  // Who may do what is not evaluated on one machine.
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::Lambda::Permission',
  'AWS::S3::BucketPolicy',
  'AWS::SQS::QueuePolicy',
  // Watching and logging: functions log to the state directory.
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::Logs::LogGroup',
  'AWS::Logs::MetricFilter',
  'AWS::Logs::QueryDefinition',
  // How the API is rolled out; the routes themselves are its resources and methods.
  'AWS::ApiGateway::Account',
  'AWS::ApiGateway::BasePathMapping',
  'AWS::ApiGateway::Deployment',
  'AWS::ApiGateway::DomainName',
  'AWS::ApiGateway::Stage',
  // It only records who synthesized.
  'AWS::CDK::Metadata',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Scheduler::ScheduleGroup',
]);

export function refuseUnknownTypes(resources: Record<string, { Type: string }>): void {
  const unknown = Object.entries(resources).filter(([, { Type }]) => !(Object.hasOwn(RUN, Type) || IGNORED.has(Type)));
  if (unknown.length === 0) return;
  const named = unknown.map(([logicalId, { Type }]) => `${logicalId} (${Type})`).join(', ');
  throw new Error(`The local runtime does not know these resources: ${named}. See local/resource-types.ts.`);
}

export function referenceTo(logicalId: string, type: string, place: Place): string {
  return RUN[type]?.ref(logicalId, place) ?? logicalId;
}

/** An ignored resource's attribute is a recognizable placeholder: it goes only into other ignored resources. */
export function readAttribute(logicalId: string, attribute: string, typed: { type: string; place: Place }): string {
  const identity = RUN[typed.type];
  if (!identity) return `arn:aws:ignored:${REGION}:${ACCOUNT}:${logicalId}/${attribute}`;
  const value = identity.attributes[attribute];
  if (!value) throw new Error(`${logicalId} (${typed.type}) has no attribute '${attribute}' locally`);
  return value(logicalId, typed.place);
}
