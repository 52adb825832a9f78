// What `npm start` prints.

import type { PublishedFlow } from './demo.ts';
import { type VendorKeys, vendorLines } from './vendor-keys.ts';

export interface Welcome {
  baseUrl: string;
  key: string;
  flows: PublishedFlow[];
  vendors: VendorKeys;
  /** Base URL of the model endpoint, where one is configured. */
  models: string | undefined;
  /** Null when nothing is kept. */
  stateDir: string | null;
  logFile: string | null;
  seconds: number;
}

export const HELP = `Runs Errand on this machine: the platform as it is deployed, on local stand-ins for AWS.

  npm start                      state is kept in .errand
  npm start -- --ephemeral       nothing is kept
  npm run reset                  deletes the state

Environment
  PORT                           port of the API, 8787 if absent, 0 for any free one
  HOST                           address to listen on, 127.0.0.1 if absent
  ERRAND_PUBLIC_ORIGIN           what callback addresses begin with, where callers do not come by a name of this machine
  ERRAND_STATE_DIR               where state is kept
  ERRAND_DEMO_KEY                the demo key, any string
  ERRAND_ALLOW_PRIVATE_TARGETS   1: webhooks and http nodes may call private addresses
  ERRAND_LOCAL_CONCURRENCY       execution environments per function, 64 if absent
  OPENAI_BASE_URL                endpoint that speaks OpenAI's wire, for flows that ask openai/<model>
  OPENAI_API_KEY                 its key; alone: OpenAI's own endpoint
  ERRAND_LOG                     1: the functions' log goes to this terminal
  ERRAND_DYNAMODB_ENDPOINT       a DynamoDB-compatible server to use instead of the embedded one
`;

export function welcome({ baseUrl, key, flows, vendors, models, stateDir, logFile, seconds }: Welcome): string {
  const published = flows.filter(({ version }) => version).map(({ name, version }) => `${name} ${version}`);
  const facts: [string, string][] = [
    ['URL', baseUrl],
    ['Key', key],
    ['Flows', published.join(', ') || 'none'],
    ['Models', models ? `openai/<model> at ${models}` : 'none: set OPENAI_BASE_URL, OPENAI_API_KEY for llm nodes'],
    ['State', stateDir ? `${stateDir} (npm run reset deletes it)` : 'none is kept'],
    ['Log', logFile ?? 'this terminal'],
    ['Stop', 'Ctrl-C'],
  ];
  const inbox = `${baseUrl}/_local/inbox/demo`;
  return [
    `Errand is ready after ${seconds.toFixed(1)} s.`,
    '',
    ...facts.map(([name, value]) => `  ${name.padEnd(7)} ${value}`),
    ...flows.filter(({ version }) => !version).flatMap(unpublished),
    '',
    'Run a flow and wait for its answer:',
    '',
    curl(baseUrl, key, { mode: 'sync', inputs: { name: 'Ada' } }),
    '',
    'Run it in the background and call a webhook; the second line shows what the webhook received:',
    '',
    curl(baseUrl, key, { mode: 'async', inputs: { name: 'Ada' }, webhooks: [{ url: inbox }] }),
    `  curl -s ${inbox}/received`,
    '',
    "Other vendors' clients run the flow hello with these addresses and keys (docs/dialects.md):",
    '',
    ...vendorLines(baseUrl, vendors),
    '',
  ].join('\n');
}

function unpublished({ name, problems }: PublishedFlow): string[] {
  return ['', `  ${name} was not published:`, ...problems.map((problem) => `    ${problem}`)];
}

function curl(baseUrl: string, key: string, body: object): string {
  return [
    `  curl -s ${baseUrl}/v1/flows/hello/runs`,
    `    -H ${quoted(`Authorization: Bearer ${key}`)} -H 'Content-Type: application/json'`,
    `    -d ${quoted(JSON.stringify(body))}`,
  ].join(' \\\n');
}

/** One word of a POSIX shell, whatever is in it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
