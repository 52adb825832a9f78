// The http node: one guarded request; gives the response as data.

import * as z from 'zod';
import type { JsonObject } from '../../json.ts';
import { asWritten, readInput } from '../node-input.ts';
import type { NodeKind } from '../node-kind.ts';
import { sendRequest } from './call.ts';
import { findSecretNames, REQUEST_AS_WRITTEN, REQUEST_FIELDS } from './request.ts';

const FIELDS = { ...REQUEST_FIELDS, parse: z.enum(['auto', 'json', 'text', 'feed', 'file']).optional() };
const evaluated = z.strictObject(FIELDS);

interface HttpWith extends JsonObject {
  auth: { secret: string };
}

export const HTTP: NodeKind<HttpWith> = {
  type: 'http',
  summary:
    'Calls an HTTP address. Gives {status, headers, body}, {items} of a feed, {files} where it is kept as a file.',
  fields: {
    url: 'The address, https:// or http://',
    method: 'GET, unless the node sends something',
    query: 'Parameters added to the address',
    headers: 'Headers of the request',
    body: 'What is sent: a text, or a value that becomes JSON',
    bodyType: 'How the body is written: text for a string, json for anything else; file sends the file that it names',
    auth: 'Credentials from a secret of the tenant',
    expect: 'Statuses that are a success: 404, 200-299, 2xx (default 2xx)',
    redirects: 'How many redirects are followed (5)',
    maxBytes: 'The node fails where the answer is larger',
    parse: 'How the answer is read; auto goes by its media type',
  },
  with: asWritten(FIELDS, REQUEST_AS_WRITTEN),
  defaultTimeoutMs: 30_000,
  secretFields: ['url', 'query', 'headers', 'body'],
  secretNames: findSecretNames,
  run: async (context, input) => {
    const read = readInput(evaluated, input);
    if ('refused' in read) return read.refused;
    const { parse = 'auto', ...request } = read.input;
    return sendRequest(context, request, { parse, timeoutMs: context.timeoutMs });
  },
};
