// Calls an emulator by AWS's JSON protocol. The runtime prepares and polls with it; handlers use the SDK.

import { REGION } from '../aws-names.ts';
import { signHeaders } from './signature.ts';

export class WireError extends Error {
  readonly code: string;

  constructor(target: string, code: string, message: string) {
    super(`${target}: ${code}: ${message}`);
    this.code = code;
  }
}

/** `target` is service and operation, `DynamoDB_20120810.CreateTable`. */
export async function callWire<Answer = unknown>(endpoint: string, target: string, input: object): Promise<Answer> {
  const body = JSON.stringify(input);
  const { host: _, ...headers } = signHeaders(endpoint, {
    // Some DynamoDB servers keep other tables for each Region, so it is the functions' own.
    region: REGION,
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target },
    body,
  });
  const answer = await fetch(endpoint, { method: 'POST', headers, body });
  const said = (await answer.json()) as { __type?: string; message?: string; Message?: string };
  if (answer.ok) return said as Answer;
  const code = said.__type?.split('#').at(-1) ?? String(answer.status);
  throw new WireError(target, code, said.message ?? said.Message ?? 'no message');
}
