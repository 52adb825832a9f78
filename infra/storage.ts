// Everything that outlives an invocation: both tables, the bucket of large payloads and the platform secret.
// The only stateful construct: changing an id here replaces data, so it needs a decision in docs/decisions/.

import { Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import {
  AttributeType,
  BillingMode,
  type ITable,
  ProjectionType,
  Table,
  TableEncryption,
  type TableProps,
} from 'aws-cdk-lib/aws-dynamodb';
import { type IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { RETENTION_DAYS } from '../lambdas/core/limits.ts';
import { alarmOnTableThrottles } from './alarms.ts';

const READ_ITEMS = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
// ConditionCheckItem is what a transaction needs to check an item that it does not write.
const WRITE_ITEMS = [
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:ConditionCheckItem',
];

const INDEXES = ['list', 'due'];
// Long enough to notice that somebody has deleted objects by hand: no function may.
const DELETED_OBJECTS_DAYS = 7;

export interface StorageProps {
  /** The data may go with the stack: no retention, no protection from deletion. */
  disposable: boolean;
  /** With the stack, its objects are removed from the bucket too, which AWS deletes only when it is empty. */
  emptied: boolean;
  /** Tables that were restored from a backup, by name: in use instead of those of the stack, which stay as they are. */
  restored?: { runtime?: string; catalog?: string };
  /** A key of the account's own encrypts all of it, and the queues. */
  ownKey: boolean;
  /** Requests a second that the runtime table and its indexes take from the first on. */
  warm?: { reads: number; writes: number };
}

export class Storage extends Construct {
  /** Runs, node results, signals, deliveries, slots, idempotency. */
  readonly runtime: ITable;
  /** Tenants, keys, flows, versions. */
  readonly catalog: ITable;
  readonly payloads: Bucket;
  readonly secret: Secret;
  readonly key: Key | undefined;

  constructor(scope: Construct, id: string, props: StorageProps) {
    super(scope, id);
    const removalPolicy = props.disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN;
    this.key = props.ownKey ? new Key(this, 'Key', { enableKeyRotation: true, removalPolicy }) : undefined;
    // One definition for both tables: they differ in life cycle and access, not in shape.
    const table: TableProps = {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'ttl',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: !props.disposable,
      removalPolicy,
      ...(this.key && { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: this.key }),
    };
    const warmThroughput = props.warm && {
      readUnitsPerSecond: props.warm.reads,
      writeUnitsPerSecond: props.warm.writes,
    };
    const runtime = new Table(this, 'Runtime', { ...table, warmThroughput });
    const catalog = new Table(this, 'Catalog', table);
    indexRuns(runtime, { warmThroughput });
    this.runtime = this.findRestored('Runtime', props.restored?.runtime) ?? runtime;
    this.catalog = this.findRestored('Catalog', props.restored?.catalog) ?? catalog;
    // What a failed first deployment has made is empty, and goes again. (A table is protected from deletion, so it stays.)
    const kept = props.disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
    this.payloads = this.payloadBucket(kept, props);
    this.secret = this.platformSecret(kept);

    const slow = 'Calls and runs are slowed down or answered with 503, because DynamoDB throttles';
    alarmOnTableThrottles(this, 'Runtime', {
      table: this.runtime,
      indexes: INDEXES,
      impact: `${slow} the runtime table or an index of it.`,
    });
    alarmOnTableThrottles(this, 'Catalog', { table: this.catalog, impact: `${slow} the catalog table.` });
  }

  grantRuntime(grantee: IGrantable): void {
    const indexes = INDEXES.map((index) => `${this.runtime.tableArn}/index/${index}`);
    this.allow(grantee, [...READ_ITEMS, ...WRITE_ITEMS], [this.runtime.tableArn]);
    this.allow(grantee, ['dynamodb:Query'], indexes);
  }

  grantCatalogRead(grantee: IGrantable): void {
    this.allow(grantee, READ_ITEMS, [this.catalog.tableArn]);
  }

  grantCatalog(grantee: IGrantable): void {
    this.allow(grantee, [...READ_ITEMS, ...WRITE_ITEMS], [this.catalog.tableArn]);
  }

  grantPayloads(grantee: IGrantable & Construct): void {
    const bucketId = Stack.of(this).getLogicalId(this.payloads.node.defaultChild as CfnBucket);
    Validations.of(grantee).acknowledge({
      id: `AwsSolutions-IAM5[Resource::<${bucketId}.Arn>/*]`,
      reason: 'Object names are made of run ids and digests, so a grant on objects cannot name them.',
    });
    this.allow(grantee, ['s3:GetObject', 's3:PutObject'], [this.payloads.arnForObjects('*')]);
    // Without it a missing object is answered with 403 instead of 404.
    this.allow(grantee, ['s3:ListBucket'], [this.payloads.bucketArn]);
  }

  grantSecret(grantee: IGrantable): void {
    this.allow(grantee, ['secretsmanager:GetSecretValue'], [this.secret.secretArn]);
  }

  private findRestored(id: string, name: string | undefined): ITable | undefined {
    return name === undefined ? undefined : Table.fromTableName(this, `Restored${id}`, name);
  }

  private payloadBucket(removalPolicy: RemovalPolicy, { disposable, emptied }: StorageProps): Bucket {
    const bucket = new Bucket(this, 'Payloads', {
      ...(this.key
        ? { encryption: BucketEncryption.KMS, encryptionKey: this.key, bucketKeyEnabled: true }
        : { encryption: BucketEncryption.S3_MANAGED }),
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      // A day longer than the records that point here, which DynamoDB removes some time after they have expired.
      lifecycleRules: [
        {
          expiration: Duration.days(RETENTION_DAYS + 1),
          abortIncompleteMultipartUploadAfter: Duration.days(1),
          ...(!disposable && { noncurrentVersionExpiration: Duration.days(DELETED_OBJECTS_DAYS) }),
        },
      ],
      versioned: !disposable,
      removalPolicy,
      autoDeleteObjects: emptied,
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Objects are reached through our own functions and short-lived presigned addresses only; both are logged.',
    });
    return bucket;
  }

  private platformSecret(removalPolicy: RemovalPolicy): Secret {
    const secret = new Secret(this, 'PlatformSecret', {
      description: 'Master key of the platform; API-key hashes and sealed values are derived from it',
      generateSecretString: {
        secretStringTemplate: '{}',
        generateStringKey: 'master',
        passwordLength: 64,
        excludePunctuation: true,
      },
      removalPolicy,
      encryptionKey: this.key,
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'Another master key would invalidate every API key and sealed value, so it never changes; docs/runbook.md says what does.',
    });
    return secret;
  }

  private allow(grantee: IGrantable, actions: string[], resources: string[]): void {
    grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions, resources }));
  }
}

// `list` shows a tenant's runs by time, `due` is what the sweeper reads. Both are sparse: only items that carry
// their attributes are in them.
function indexRuns(runtime: Table, warm: Pick<TableProps, 'warmThroughput'>): void {
  runtime.addGlobalSecondaryIndex({
    indexName: 'list',
    partitionKey: { name: 'tenantKey', type: AttributeType.STRING },
    sortKey: { name: 'runId', type: AttributeType.STRING },
    projectionType: ProjectionType.INCLUDE,
    nonKeyAttributes: ['endStatus', 'flow', 'mode', 'env', 'dialect', 'userId'],
    ...warm,
  });
  runtime.addGlobalSecondaryIndex({
    indexName: 'due',
    partitionKey: { name: 'dueShard', type: AttributeType.STRING },
    sortKey: { name: 'dueAt', type: AttributeType.NUMBER },
    projectionType: ProjectionType.KEYS_ONLY,
    ...warm,
  });
}
