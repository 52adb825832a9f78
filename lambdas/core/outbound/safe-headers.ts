// Which request headers an author or caller may set. Headers that the client sets itself, and values that would smuggle a
// second request, are refused by name and not dropped: a header that disappears without an error is hard to find.

import { ApiError } from '../errors.ts';

// https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2 (token) and 5.5 (field values, here also Latin-1)
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

// Framing, connection and routing belong to the client: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
const OWNED = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Why the header may not be sent; the message never contains its value. Undefined when it may. */
export function findHeaderProblem(name: string, value: string): string | undefined {
  if (!NAME.test(name)) return `${JSON.stringify(name.slice(0, 128))} is not a header name`;
  if (OWNED.has(name.toLowerCase())) return `Header '${name}' is set by the platform`;
  if (!VALUE.test(value)) return `The value of header '${name}' holds a line break or a character outside Latin-1`;
  return undefined;
}

/** Throws ApiError('invalid-request') naming the first header that may not be sent. */
export function checkHeaders(headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) {
    const problem = findHeaderProblem(name, value);
    if (problem) throw new ApiError('invalid-request', problem);
  }
}
