// The platform in somebody's own CDK app: `new Errand(this, 'Errand', { stage: 'prod' })`.

import { join } from 'node:path';
import { Construct } from 'constructs';
import { type ErrandProps, parseOptions } from './options.ts';
import { composePlatform } from './platform.ts';

export type { ErrandProps } from './options.ts';

// Of the package, which infra/package.ts makes.
const BUNDLES = join(import.meta.dirname, '../bundles');

export class Errand extends Construct {
  /** Base URL of the API, without a slash at its end. */
  readonly apiUrl: string;
  /** Where the DNS record of the own domain points; undefined without one. */
  readonly domainTarget: string | undefined;
  /** Invoked by hand it makes the first tenant and key: docs/runbook.md. */
  readonly sweepFunctionName: string;
  readonly runtimeTableName: string;
  readonly catalogTableName: string;
  readonly payloadBucketName: string;
  readonly runsDeadLettersArn: string;
  readonly deliveriesDeadLettersArn: string;

  /** Throws an error that names every wrong option. */
  constructor(scope: Construct, id: string, props: ErrandProps = {}) {
    super(scope, id);
    const { api, sweep, storage, runs, deliveries } = composePlatform(this, {
      options: parseOptions({ ...props }),
      bundles: BUNDLES,
    });
    this.apiUrl = api.url;
    this.domainTarget = api.restApi.domainName?.domainNameAliasDomainName;
    this.sweepFunctionName = sweep.function.lambda.functionName;
    this.runtimeTableName = storage.runtime.tableName;
    this.catalogTableName = storage.catalog.tableName;
    this.payloadBucketName = storage.payloads.bucketName;
    this.runsDeadLettersArn = runs.deadLetters.queueArn;
    this.deliveriesDeadLettersArn = deliveries.deadLetters.queueArn;
  }
}
