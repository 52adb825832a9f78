// A proxy in front of a DynamoDB that adds up what each call of the functions would cost on AWS, as the server reports it.
// What a capacity unit is worth belongs to the sections that print it.

import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type CallInput, makeRow } from './rows.ts';

/** One line of the account: calls of one operation on one kind of row. */
export interface Spent {
  calls: number;
  writeUnits: number;
  readUnits: number;
}

export interface DynamoDbProxy extends AsyncDisposable {
  endpoint: string;
  /** By operation and rows, such as `UpdateItem RUN`. */
  account: Map<string, Spent>;
}

interface Consumed {
  CapacityUnits: number;
}

interface Answered {
  ConsumedCapacity?: Consumed | Consumed[];
}

const RETURNS_CAPACITY = /^(Batch|Transact)?(Get|Put|Update|Delete|Write)Items?$|^Query$|^Scan$/;
const READS = /^(BatchGet|TransactGet|Get|Query|Scan)/;

export async function startDynamoDbProxy(upstream: string): Promise<DynamoDbProxy> {
  const account = new Map<string, Spent>();
  const agent = new Agent({ keepAlive: true, maxSockets: 128 });
  const server = createServer((request, response) => {
    pass(request, response, { upstream, agent, account }).catch((error: Error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    account,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Route {
  upstream: string;
  agent: Agent;
  account: Map<string, Spent>;
}

async function pass(request: IncomingMessage, response: ServerResponse, route: Route): Promise<void> {
  const operation = String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? '';
  const asked = await buffer(request);
  // The runtime itself creates tables and deletes what has expired; on AWS the service does, and nobody pays.
  const isFunction = String(request.headers['user-agent']).includes('aws-sdk');
  const counts = isFunction && RETURNS_CAPACITY.test(operation);
  const input = counts ? (JSON.parse(asked.toString()) as CallInput) : {};
  const body = counts ? Buffer.from(JSON.stringify({ ...input, ReturnConsumedCapacity: 'TOTAL' })) : asked;
  const answer = await forward(request, body, route);
  const bytes = await buffer(answer);
  if (counts) note(route.account, { operation, input, units: countUnits(operation, input, answer, bytes) });
  response.writeHead(answer.statusCode ?? 500, answer.headers).end(bytes);
}

function forward(request: IncomingMessage, body: Buffer, { upstream, agent }: Route): Promise<IncomingMessage> {
  const headers = { ...request.headers, 'content-length': body.length };
  return new Promise((resolve, reject) => {
    httpRequest(upstream, { method: request.method, path: request.url, headers, agent }, resolve)
      .once('error', reject)
      .end(body);
  });
}

/** A write that is refused by its condition costs what it would have written, and these rows are below 1 KB. */
function countUnits(operation: string, input: CallInput, answer: IncomingMessage, bytes: Buffer): number {
  if (answer.statusCode !== 200) return READS.test(operation) ? 0 : 2 * (input.TransactItems?.length ?? 0.5);
  const { ConsumedCapacity } = JSON.parse(bytes.toString()) as Answered;
  return [ConsumedCapacity ?? []].flat().reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0);
}

function note(
  account: Map<string, Spent>,
  { operation, input, units }: { operation: string; input: CallInput; units: number },
): void {
  const line = `${operation} ${makeRow(input)}`;
  const spent = account.get(line) ?? { calls: 0, writeUnits: 0, readUnits: 0 };
  const unit = READS.test(operation) ? 'readUnits' : 'writeUnits';
  account.set(line, { ...spent, calls: spent.calls + 1, [unit]: spent[unit] + units });
}
