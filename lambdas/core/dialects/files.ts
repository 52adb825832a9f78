// Files that come through a dialect's own upload call: multipart/form-data, small enough to pass through the API.

import { MAX_UPLOAD_BYTES } from '../limits.ts';
import type { ApiRequest, BodySpec } from './dialect.ts';

// Boundaries, part headers and the other fields.
const ENVELOPE_BYTES = 64 * 1_024;
const MAX_NAME_CHARS = 255;
// It becomes a header of whoever reads the file.
const MEDIA_TYPE = /^[\w.+-]{1,127}\/[\w.+-]{1,127}$/;

/** Whatever else is sent is found to hold no file. */
export const uploadBody = {
  kind: 'bytes',
  mediaTypes: ['multipart/form-data', 'application/json', 'application/x-www-form-urlencoded', 'text/plain'],
  description: 'A form with the field `file`',
  maxBytes: MAX_UPLOAD_BYTES + ENVELOPE_BYTES,
} as const satisfies BodySpec;

export interface Upload {
  fields: Record<string, string>;
  files: { field: string; name: string; type: string; bytes: Uint8Array }[];
}

/** Nothing of a body that is no form. */
export async function readUpload({ headers, body }: ApiRequest): Promise<Upload> {
  const upload: Upload = { fields: {}, files: [] };
  const form = await formOf(headers['content-type'] ?? '', body);
  for (const [field, value] of form ?? []) {
    if (typeof value === 'string') upload.fields[field] = value;
    else {
      const plain = (value.name.split(/[/\\]/).at(-1) ?? '').replaceAll(/\p{Cc}/gu, '');
      // The cut may go through a character.
      const name = plain.slice(0, MAX_NAME_CHARS).toWellFormed();
      const type = value.type.replace(/;.*$/s, '').trim();
      upload.files.push({
        field,
        name,
        type: MEDIA_TYPE.test(type) ? type : 'application/octet-stream',
        bytes: new Uint8Array(await value.arrayBuffer()),
      });
    }
  }
  return upload;
}

async function formOf(type: string, body: Uint8Array): Promise<FormData | undefined> {
  if (!/^multipart\/form-data/i.test(type)) return undefined;
  try {
    return await new Response(Buffer.from(body), { headers: { 'content-type': type } }).formData();
  } catch {
    return undefined;
  }
}
