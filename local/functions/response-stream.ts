// The global `awslambda` of a function's thread: marks streaming handlers and puts status and headers before the body.
// The bytes are those of Lambda's own wire; the gateway takes them apart.

import { Writable } from 'node:stream';

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const PRELUDE_END = new Uint8Array(8);

type StreamingHandler = (event: unknown, stream: ResponseStream, context: unknown) => Promise<unknown>;

export interface ChunkOutlet {
  /** `written` is called when the caller has taken the chunk. */
  chunk(bytes: Uint8Array, written: () => void): void;
  end(): void;
}

export class ResponseStream extends Writable {
  readonly #outlet: ChunkOutlet;
  #prelude: object | undefined;

  constructor(outlet: ChunkOutlet) {
    super();
    this.#outlet = outlet;
    // A caller who goes away must not end the invocation; whoever pipes into the stream still learns of the error.
    this.on('error', () => {});
  }

  announce(prelude: object): void {
    this.#prelude = prelude;
  }

  /** Part of Lambda's interface; the content type is in the prelude here. */
  setContentType(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: () => void): void {
    const bytes = this.#takePrelude(chunk);
    if (bytes.length === 0) written();
    else this.#outlet.chunk(bytes, written);
  }

  override _final(done: () => void): void {
    const end = () => {
      this.#outlet.end();
      done();
    };
    if (this.#prelude) this.#outlet.chunk(this.#takePrelude(Buffer.alloc(0)), end);
    else end();
  }

  #takePrelude(chunk: Buffer): Uint8Array {
    if (!this.#prelude) return chunk;
    const prelude = Buffer.from(JSON.stringify(this.#prelude));
    this.#prelude = undefined;
    return Buffer.concat([prelude, PRELUDE_END, chunk]);
  }
}

export const awslambda = {
  streamifyResponse(handler: StreamingHandler): StreamingHandler {
    return Object.assign(handler, { [STREAMING]: 'response' });
  },
  HttpResponseStream: {
    from(stream: ResponseStream, prelude: object): ResponseStream {
      stream.announce(prelude);
      return stream;
    },
  },
};

export function isStreaming(handler: object): handler is StreamingHandler {
  return STREAMING in handler;
}
