// The tables, queues, buckets and secrets of the template.

import { z } from 'zod';
import type { Resource } from '../assembly.ts';
import { bucketName, secretArn } from '../aws-names.ts';
import { type Place, queueUrl } from '../resource-types.ts';
import { readEach } from './parse.ts';

const keySchema = z.array(z.object({ AttributeName: z.string(), KeyType: z.enum(['HASH', 'RANGE']) }));
const indexSchema = z.object({ IndexName: z.string(), KeySchema: keySchema, Projection: z.looseObject({}) });
const tableSchema = z.object({
  KeySchema: keySchema,
  AttributeDefinitions: z.array(z.object({ AttributeName: z.string(), AttributeType: z.string() })),
  GlobalSecondaryIndexes: z.array(indexSchema).optional(),
  LocalSecondaryIndexes: z.array(indexSchema).optional(),
});
const ttlSchema = z.object({
  TimeToLiveSpecification: z.object({ AttributeName: z.string().optional(), Enabled: z.boolean() }).optional(),
});

export interface TableSpec {
  name: string;
  /** As CreateTable takes it. */
  schema: z.infer<typeof tableSchema>;
  /** Items whose number here is past are deleted. */
  ttlAttribute?: string;
}

export function readTables(resources: Resource[]): TableSpec[] {
  return ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'].flatMap((type) => readEach(resources, type, readTable));
}

function readTable({ logicalId, properties }: Resource): TableSpec {
  if (properties['StreamSpecification']) throw new Error('table streams are not run locally');
  const ttl = ttlSchema.parse(properties).TimeToLiveSpecification;
  const schema = tableSchema.parse(properties);
  return { name: logicalId, schema, ...(ttl?.Enabled && ttl.AttributeName ? { ttlAttribute: ttl.AttributeName } : {}) };
}

export interface QueueSpec {
  name: string;
  url: string;
  attributes: Record<string, string>;
}

const QUEUE_ATTRIBUTES = [
  'DelaySeconds',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'ReceiveMessageWaitTimeSeconds',
  'RedrivePolicy',
  'VisibilityTimeout',
];

export function readQueues(resources: Resource[], place: Place): QueueSpec[] {
  return readEach(resources, 'AWS::SQS::Queue', ({ logicalId, properties }) => {
    if (properties['FifoQueue']) throw new Error('first-in-first-out queues are not run locally');
    const attributes = QUEUE_ATTRIBUTES.filter((name) => properties[name] !== undefined).map((name) => {
      const value = properties[name];
      return [name, typeof value === 'object' ? JSON.stringify(value) : String(value)];
    });
    return { name: logicalId, url: queueUrl(logicalId, place), attributes: Object.fromEntries(attributes) };
  });
}

export function readBuckets(resources: Resource[]): string[] {
  return readEach(resources, 'AWS::S3::Bucket', ({ logicalId, properties }) => {
    if (properties['NotificationConfiguration']) throw new Error('bucket notifications are not run locally');
    return bucketName(logicalId);
  });
}

const generateSchema = z.strictObject({
  PasswordLength: z.number().int().positive().default(32),
  ExcludeCharacters: z.string().default(''),
  ExcludeLowercase: z.boolean().default(false),
  ExcludeUppercase: z.boolean().default(false),
  ExcludeNumbers: z.boolean().default(false),
  ExcludePunctuation: z.boolean().default(false),
  IncludeSpace: z.boolean().default(false),
  RequireEachIncludedType: z.boolean().default(true),
  SecretStringTemplate: z.string().optional(),
  GenerateStringKey: z.string().optional(),
});
const secretSchema = z.object({ SecretString: z.string().optional(), GenerateSecretString: generateSchema.optional() });

export type GenerateSecret = z.infer<typeof generateSchema>;

export interface SecretSpec {
  name: string;
  arn: string;
  /** The secret itself, or how its first value is made. */
  value: string | GenerateSecret;
}

export function readSecrets(resources: Resource[]): SecretSpec[] {
  return readEach(resources, 'AWS::SecretsManager::Secret', ({ logicalId, properties }) => {
    const { SecretString, GenerateSecretString } = secretSchema.parse(properties);
    const value = SecretString ?? GenerateSecretString;
    if (value === undefined) throw new Error('it has neither SecretString nor GenerateSecretString');
    return { name: logicalId, arn: secretArn(logicalId), value };
  });
}
