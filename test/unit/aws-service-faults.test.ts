import { expect, test } from 'vitest';
import { translateFaults } from '../../lambdas/aws/service-faults.ts';
import { ApiError, ServiceUnavailable } from '../../lambdas/core/errors.ts';

const failWith = (fields: object) => Object.assign(new Error('from the SDK'), fields);
const portThatThrows = (error: unknown) => translateFaults({ get: () => Promise.reject(error) });

test.each([
  { name: 'ThrottlingException' },
  { name: 'ProvisionedThroughputExceededException' },
  { name: 'TransactionConflictException' },
  { name: 'SlowDown' },
  { name: 'TimeoutError' },
  { name: 'InternalServerError', $fault: 'server' },
  { name: 'Error', code: 'ECONNREFUSED' },
  { name: 'Error', $retryable: {} },
])('a service that answers with %j is unavailable', async (fields) => {
  const error = failWith(fields);
  const thrown: unknown = await portThatThrows(error)
    .get()
    .catch((it: unknown) => it);
  expect(thrown).toBeInstanceOf(ServiceUnavailable);
  expect((thrown as Error).cause).toBe(error);
});

test.each([
  failWith({ name: 'ConditionalCheckFailedException', $fault: 'client' }),
  failWith({ name: 'AccessDeniedException', $fault: 'client' }),
  new ApiError('not-found'),
  'not an error',
])('%s stays what it is', async (error) => {
  await expect(portThatThrows(error).get()).rejects.toBe(error);
});

test('answers, other fields and methods that are not asynchronous stay as they are', async () => {
  const port = translateFaults({
    sources: ['a'],
    prefix: 'x',
    read(name: string) {
      return Promise.resolve(`${this.prefix}${name}`);
    },
    fail(): string {
      throw failWith({ name: 'ThrottlingException' });
    },
  });
  expect(port.sources).toEqual(['a']);
  expect(await port.read('y')).toBe('xy');
  expect(() => port.fail()).toThrow('from the SDK');
});
