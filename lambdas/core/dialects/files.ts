// Files that pass through the API: uploads as multipart/form-data, and the bytes of a stored file as a response.

import type { Reply } from '../api/reply.ts';
import { ApiError } from '../errors.ts';
import { MAX_FILE_NAME_CHARS, MAX_UPLOAD_BYTES } from '../limits.ts';
import type { StoredFile } from '../ports/files.ts';
import type { Ports } from '../ports/ports.ts';
import type { ApiRequest, BodySpec } from './dialect.ts';

// Boundaries, part headers and the other fields.
const ENVELOPE_BYTES = 64 * 1_024;
// It is sent as a header to those who read the file.
const MEDIA_TYPE = /^[\w.+-]{1,127}\/[\w.+-]{1,127}$/;

/** The other media types are accepted so that the dialect can answer with its own error: they hold no file. */
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

/** Empty where the body is not a form. */
export async function readUpload({ headers, body }: ApiRequest): Promise<Upload> {
  const upload: Upload = { fields: {}, files: [] };
  const form = await readForm(headers['content-type'] ?? '', body);
  for (const [field, value] of form ?? []) {
    if (typeof value === 'string') upload.fields[field] = value;
    else {
      const plain = (value.name.split(/[/\\]/).at(-1) ?? '').replaceAll(/\p{Cc}/gu, '');
      // The limit may cut a character in two.
      const name = plain.slice(0, MAX_FILE_NAME_CHARS).toWellFormed();
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

async function readForm(type: string, body: Uint8Array): Promise<FormData | undefined> {
  if (!/^multipart\/form-data/i.test(type)) return undefined;
  try {
    return await new Response(Buffer.from(body), { headers: { 'content-type': type } }).formData();
  } catch {
    return undefined;
  }
}

/** Tenants may upload a page or a script: the headers make sure that it never runs in our origin. */
export async function replyWithFile(
  { files }: Pick<Ports, 'files'>,
  file: StoredFile,
  { asAttachment }: { asAttachment: boolean },
): Promise<Reply> {
  const bytes = await files.read(file);
  if (!bytes) throw new ApiError('not-found', `The file '${file.name}' was never uploaded, or has expired`);
  const disposition = asAttachment ? 'attachment' : 'inline';
  return {
    status: 200,
    headers: {
      'content-disposition': `${disposition}; filename*=UTF-8''${encodeURIComponent(file.name)}`,
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    },
    body: { bytes, type: file.type },
  };
}
