// Invokes functions of the account for lambda nodes. What their answers mean to a run belongs to the node kind.

import type { InvokeCommandOutput, LambdaClient } from '@aws-sdk/client-lambda';
import type { Json } from '../core/json.ts';
import { INVOKE_EVENT_BYTES, INVOKE_RESPONSE_BYTES } from '../core/limits.ts';
import { parseKeepingNumbers } from '../core/parse/exact-json.ts';
import type { Functions } from '../core/ports/runners.ts';

type Answer = Awaited<ReturnType<Functions['invoke']>>;

const refused = (type: string, message: string, retryable = false): Answer => ({
  kind: 'error',
  type,
  message,
  retryable,
});

/** The function itself failed: it threw, ran out of time or memory. Its author may well want another attempt. */
function functionError(type: string, payload: Json): Answer {
  const error = payload !== null && typeof payload === 'object' && !Array.isArray(payload) ? payload : {};
  const { errorType = type, errorMessage = 'no message' } = error;
  return refused(String(errorType), String(errorMessage), true);
}

function readAnswer(output: InvokeCommandOutput): Answer {
  const text = output.Payload ? new TextDecoder().decode(output.Payload) : '';
  let payload: Json = null;
  try {
    if (text !== '') payload = parseKeepingNumbers(text);
  } catch {
    return refused('InvalidPayload', 'the answer is not valid JSON');
  }
  return output.FunctionError === undefined
    ? { kind: 'answer', payload }
    : functionError(output.FunctionError, payload);
}

/** Throttling, faults of the service and a connection that broke pass; a missing function or permission does not. */
function serviceError(error: unknown, signal: AbortSignal | undefined): Answer {
  if (signal?.aborted) return refused('Aborted', 'the invocation was not waited for', true);
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode ?? 500;
  return refused(name, message, status === 429 || status >= 500);
}

/** A call for a tenant is run where no other tenant's calls are; only functions made for it take one. */
type Call = Parameters<Functions['invoke']>[0] & { tenant?: string };

export function makeFunctions(options: { client?: LambdaClient; region?: string } = {}) {
  // Few flows have lambda nodes: the client loads with the first of them.
  let loading: Promise<{ sdk: typeof import('@aws-sdk/client-lambda'); client: LambdaClient }> | undefined;
  const load = async () => {
    const sdk = await import('@aws-sdk/client-lambda');
    const region = options.region === undefined ? {} : { region: options.region };
    // One attempt: a retry is another attempt of the node, counted and shown as such.
    return { sdk, client: options.client ?? new sdk.LambdaClient({ ...region, maxAttempts: 1 }) };
  };

  return {
    async invoke({ name, qualifier, tenant, payload, mode, signal }: Call): Promise<Answer> {
      const bytes = Buffer.from(JSON.stringify(payload));
      const limit = mode === 'event' ? INVOKE_EVENT_BYTES : INVOKE_RESPONSE_BYTES;
      if (bytes.length > limit) {
        return refused('PayloadTooLarge', `the payload has ${bytes.length} bytes; Lambda takes at most ${limit}`);
      }
      loading ??= load();
      const { sdk, client } = await loading;
      const command = new sdk.InvokeCommand({
        FunctionName: name,
        Qualifier: qualifier,
        TenantId: tenant,
        InvocationType: mode === 'event' ? 'Event' : 'RequestResponse',
        Payload: bytes,
      });
      try {
        return readAnswer(await client.send(command, signal ? { abortSignal: signal } : {}));
      } catch (error) {
        return serviceError(error, signal);
      }
    },
  } satisfies Functions;
}
