// Before the first deployment: does the account have what the options count on? Asks AWS, changes nothing.
//   npm run preflight -- -c concurrency=100

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { App } from 'aws-cdk-lib';
import { type PlatformOptions, readOptions } from './options.ts';

// What AWS raises without much ado: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const USUAL_CONCURRENCY = 1_000;
const RAISE = `aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 --desired-value ${USUAL_CONCURRENCY}`;

interface Finding {
  isProblem: boolean;
  text: string;
}

/** `unreserved` is what functions without a reservation share: ours have none. */
function checkConcurrency(options: Pick<PlatformOptions, 'concurrency'>, unreserved: number): Finding {
  const has = `The account has ${unreserved} concurrent executions that are not reserved`;
  if (unreserved >= options.concurrency) return { isProblem: false, text: `${has}: enough.` };
  const text = `${has}, and the stack counts on ${options.concurrency}. Deploy with -c concurrency=${unreserved}, or ask AWS for more:\n  ${RAISE}`;
  return { isProblem: true, text };
}

export async function preflight(args: string[], client: LambdaClient): Promise<Finding[]> {
  const { values } = parseArgs({ args, options: { context: { type: 'string', short: 'c', multiple: true } } });
  const named = (values.context ?? []).map((pair) => [pair.split('=')[0], pair.slice(pair.indexOf('=') + 1)]);
  const configured = JSON.parse(await readFile(new URL('../cdk.json', import.meta.url), 'utf8')) as {
    context?: object;
  };
  const options = readOptions(new App({ context: { ...configured.context, ...Object.fromEntries(named) } }));
  const { AccountLimit } = await client.send(new GetAccountSettingsCommand({}));
  const unreserved = AccountLimit?.UnreservedConcurrentExecutions;
  if (unreserved === undefined) throw new Error('Lambda did not say how many concurrent executions the account has');
  return [checkConcurrency(options, unreserved)];
}

if (import.meta.main) {
  const findings = await preflight(process.argv.slice(2), new LambdaClient({}));
  for (const { text } of findings) process.stdout.write(`${text}\n`);
  process.exitCode = findings.some(({ isProblem }) => isProblem) ? 1 : 0;
}
