// What a call answers, before it is bytes on a connection: a status, headers and one kind of body.

export type ReplyBody =
  | { json: unknown }
  | { text: string; type: string }
  | { bytes: Uint8Array; type: string }
  | { stream: AsyncIterable<string>; type: string };

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: ReplyBody;
  /** Work that must end before the invocation may: a slice goes on when its caller has gone. */
  pending?: Promise<unknown>;
}
