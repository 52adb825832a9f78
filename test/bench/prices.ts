// What AWS asks in us-east-1, in dollars, without free tiers. Check them against the price list before relying on them.

const MILLION = 1_000_000;

/** https://aws.amazon.com/dynamodb/pricing/on-demand/ */
export const WRITE_UNIT = 0.625 / MILLION;
export const READ_UNIT = 0.125 / MILLION;
export const STORED_GB_MONTH = 0.25;

/** https://aws.amazon.com/sqs/pricing/ with the surcharge for message groups on standard queues (fair queues). */
export const SQS_REQUEST = 0.5 / MILLION;

/** https://aws.amazon.com/lambda/pricing/ (arm64) */
export const GB_SECOND = 0.0000133334;
export const INVOCATION = 0.2 / MILLION;

/** https://aws.amazon.com/api-gateway/pricing/ (REST) */
export const API_REQUEST = 3.5 / MILLION;

/** https://aws.amazon.com/step-functions/pricing/ (Standard) */
export const STATE_TRANSITION = 25 / MILLION;

/** https://aws.amazon.com/s3/pricing/ (a write; a read costs a twelfth) */
export const S3_REQUEST = 5 / MILLION;

/** https://aws.amazon.com/cloudwatch/pricing/ */
export const LOGGED_GB = 0.5;
