// The bytes of a file as an answer. What tenants upload may be a page or a script: it is never run in our origin.

import type { Reply } from '../api/reply.ts';
import { ApiError } from '../errors.ts';
import type { StoredFile } from '../ports/files.ts';
import type { Ports } from '../ports/ports.ts';

export async function replyWithFile(
  { files }: Pick<Ports, 'files'>,
  file: StoredFile,
  { asAttachment }: { asAttachment: boolean },
): Promise<Reply> {
  const bytes = await files.read(file);
  if (!bytes) throw new ApiError('not-found', `The file '${file.name}' was never uploaded, or has expired`);
  const how = asAttachment ? 'attachment' : 'inline';
  return {
    status: 200,
    headers: {
      'content-disposition': `${how}; filename*=UTF-8''${encodeURIComponent(file.name)}`,
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
    },
    body: { bytes, type: file.type },
  };
}
