// The account, region and ARNs of the machine that pretends to be AWS.

export const REGION = 'us-east-1';
export const ACCOUNT = '000000000000';
export const STACK_NAME = 'errand-local';

export const functionArn = (name: string) => `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;
export const queueArn = (name: string) => `arn:aws:sqs:${REGION}:${ACCOUNT}:${name}`;
export const tableArn = (name: string) => `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}`;
export const machineArn = (name: string) => `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:${name}`;
export const secretArn = (name: string) => `arn:aws:secretsmanager:${REGION}:${ACCOUNT}:secret:${name}`;

/** S3 allows no capitals in a name and 63 characters; two logical ids differ at their end. */
export const bucketName = (logicalId: string) => `${STACK_NAME}-${logicalId.toLowerCase().slice(-50)}`;

/** The name in a function's name, partial ARN or ARN, without a version or alias. */
export function readFunctionName(nameOrArn: string): string {
  const parts = nameOrArn.split(':');
  const marker = parts.indexOf('function');
  return (marker < 0 ? parts[0] : parts[marker + 1]) ?? nameOrArn;
}
