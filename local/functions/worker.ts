// The thread of one execution environment: loads the handler, then runs one invocation at a time. Between two
// invocations the thread sleeps without an event loop, so pending work makes no progress, as in a frozen Lambda.

import { writeSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import {
  type FromWorker,
  type FunctionError,
  type InvocationMessage,
  MAX_PAYLOAD_BYTES,
  type ToWorker,
  type WorkerSetup,
} from './protocol.ts';
import { awslambda, isStreaming, ResponseStream } from './response-stream.ts';

type Handler = (event: unknown, context: object) => unknown;

const setup = workerData as WorkerSetup;
const wake = new Int32Array(setup.wake);
const toRuntime = (message: FromWorker) => parentPort?.postMessage(message);

const streams = makeStreams();

// A thread's own stdout reaches the process through its event loop and would be lost with a crash.
const writeLog = (text: string | Uint8Array, ...rest: unknown[]): boolean => {
  writeFully(typeof text === 'string' ? Buffer.from(text) : text);
  const written = rest.find((argument) => typeof argument === 'function');
  if (written) process.nextTick(written as () => void);
  return true;
};
process.stdout.write = writeLog as typeof process.stdout.write;
process.stderr.write = writeLog as typeof process.stderr.write;
Object.assign(globalThis, { awslambda });
if (process.env['NODE_OPTIONS']?.includes('--enable-source-maps')) process.setSourceMapsEnabled(true);

parentPort?.on('message', streams.receive);

await main();

async function main(): Promise<void> {
  let handler: Handler;
  try {
    handler = await loadHandler();
  } catch (error) {
    toRuntime({ type: 'initFailed', error: describe(error) });
    return;
  }
  toRuntime({ type: 'ready' });
  for (let seen = 0; ; seen++) {
    Atomics.wait(wake, 0, seen);
    const received = receiveMessageOnPort(setup.invocations) as { message: InvocationMessage };
    toRuntime(await invoke(handler, received.message));
  }
}

async function loadHandler(): Promise<Handler> {
  const loaded = (await import(pathToFileURL(setup.file).href)) as Record<string, unknown>;
  const handler = loaded[setup.exportName];
  if (typeof handler !== 'function') {
    throw Object.assign(new Error(`${setup.exportName} is undefined or not exported`), {
      name: 'Runtime.HandlerNotFound',
    });
  }
  return handler as Handler;
}

async function invoke(handler: Handler, invocation: InvocationMessage): Promise<FromWorker> {
  const { requestId, payload } = invocation;
  try {
    const event: unknown = JSON.parse(payload);
    const context = makeContext(invocation);
    if (isStreaming(handler))
      return await streamAnswer(() => handler(event, streams.open(requestId), context), requestId);
    return toAnswer(await handler(event, context), requestId);
  } catch (error) {
    return { type: 'failure', requestId, error: describe(error) };
  }
}

/** The invocation lasts until the handler has returned and the stream is finished, whichever is later. */
async function streamAnswer(run: () => Promise<unknown>, requestId: string): Promise<FromWorker> {
  await run();
  await streams.finish();
  return { type: 'answer', requestId, payload: '' };
}

/** One invocation streams at a time: what the caller's side sends about an earlier one is dropped. */
function makeStreams() {
  let current: { requestId: string; stream: ResponseStream; onWritten?: (() => void) | undefined } | undefined;
  return {
    open(requestId: string): ResponseStream {
      const stream = new ResponseStream({
        chunk(bytes, written) {
          if (current?.requestId === requestId) current.onWritten = written;
          // A small buffer is a view of a shared pool, all of which would be sent along.
          const exact = new Uint8Array(bytes);
          parentPort?.postMessage({ type: 'chunk', requestId, bytes: exact } satisfies FromWorker, [exact.buffer]);
        },
        end: () => toRuntime({ type: 'end', requestId }),
      });
      current = { requestId, stream };
      return stream;
    },

    receive(message: ToWorker): void {
      if (message.requestId !== current?.requestId) return;
      if (message.type === 'gone') current.stream.destroy(new Error('The caller has gone'));
      const written = current.onWritten;
      current.onWritten = undefined;
      written?.();
    },

    /** An error of the stream is the handler's to notice, by whatever it piped into it. */
    async finish(): Promise<void> {
      if (current) await finished(current.stream, { readable: false }).catch(() => {});
    },
  };
}

function toAnswer(answer: unknown, requestId: string): FromWorker {
  const payload = JSON.stringify(answer) ?? 'null';
  const bytes = Buffer.byteLength(payload);
  if (bytes <= MAX_PAYLOAD_BYTES) return { type: 'answer', requestId, payload };
  return {
    type: 'failure',
    requestId,
    error: {
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: `Response payload size (${bytes} bytes) exceeded maximum allowed payload size (${MAX_PAYLOAD_BYTES} bytes).`,
    },
  };
}

function makeContext({ requestId, deadlineMs }: InvocationMessage): object {
  return {
    awsRequestId: requestId,
    functionName: setup.functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: setup.functionArn,
    memoryLimitInMB: String(setup.memoryMb),
    logGroupName: process.env['AWS_LAMBDA_LOG_GROUP_NAME'],
    logStreamName: process.env['AWS_LAMBDA_LOG_STREAM_NAME'],
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - Date.now()),
  };
}

function describe(error: unknown): FunctionError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') ?? [] };
}

function writeFully(bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += writeSync(setup.logFd, bytes, offset);
    } catch (error) {
      // A full pipe is waited for; a closed one takes no more lines.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return;
    }
  }
}
