// Calls an emulator by AWS's JSON protocol. The runtime prepares and polls with it; handlers use the SDK.

import { REGION } from '../aws-names.ts';

// The emulators want the form of a signature and never check it. Key and Region are those that functions have, because
// some DynamoDB servers keep other tables for each.
const SIGNATURE = {
  authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/${REGION}/aws/aws4_request, SignedHeaders=host, Signature=00`,
  'x-amz-date': '20260101T000000Z',
};

export class WireError extends Error {
  readonly code: string;

  constructor(target: string, code: string, message: string) {
    super(`${target}: ${code}: ${message}`);
    this.code = code;
  }
}

/** `target` is service and operation, `DynamoDB_20120810.CreateTable`. */
export async function callWire<Answer = unknown>(endpoint: string, target: string, input: object): Promise<Answer> {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      ...SIGNATURE,
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': target,
    },
    body: JSON.stringify(input),
  });
  const body = (await answer.json()) as { __type?: string; message?: string; Message?: string };
  if (answer.ok) return body as Answer;
  const code = body.__type?.split('#').at(-1) ?? String(answer.status);
  throw new WireError(target, code, body.message ?? body.Message ?? 'no message');
}
