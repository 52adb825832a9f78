// Uploading a file for an input, and reading it again.

import { extname } from 'node:path/posix';
import * as z from 'zod';
import { keepFile, requireFile } from '../../../catalog/files.ts';
import { ApiError } from '../../../errors.ts';
import { MAX_UPLOAD_BYTES } from '../../../limits.ts';
import type { StoredFile } from '../../../ports/files.ts';
import { json, route } from '../../dialect.ts';
import { readUpload, replyWithFile, uploadBody } from '../../files.ts';
import { DifyError } from '../errors.ts';
import { makeEndUserId, toSeconds } from '../render.ts';

const tag = 'Dify';

const makeError = (code: string, message: string) => new DifyError('invalid-request', { status: 400, code }, message);

function renderFile(file: StoredFile, user: string, origin: string) {
  return {
    id: file.id,
    name: file.name,
    size: file.size,
    extension: extname(file.name).slice(1).toLowerCase(),
    mime_type: file.type,
    created_by: makeEndUserId(file.tenant, user),
    created_at: toSeconds(file.createdAt),
    reference: null,
    preview_url: `${origin}/v1/files/${file.id}/preview`,
    source_url: null,
    original_url: null,
    user_id: null,
    tenant_id: null,
    conversation_id: null,
    file_key: null,
  };
}

export const fileRoutes = [
  route({
    id: 'difyUpload',
    method: 'POST',
    path: '/v1/files/upload',
    access: 'run',
    tag,
    summary: 'Upload a file for an input',
    body: uploadBody,
    answers: { 201: { description: 'The file' } },
    errors: [],
    async handle({ caller, request }, ports) {
      const { fields, files } = await readUpload(request);
      const uploaded = files.filter(({ field }) => field === 'file');
      const [file] = uploaded;
      if (!file) throw makeError('no_file_uploaded', 'Please upload your file.');
      if (uploaded.length > 1) throw makeError('too_many_files', 'Only one file is allowed.');
      if (file.name === '') throw makeError('filename_not_exists_error', 'The specified filename does not exist.');
      const { length } = file.bytes;
      if (length > MAX_UPLOAD_BYTES) throw new ApiError('payload-too-large', `File size exceeded. ${length} bytes`);
      const kept = await keepFile(ports, caller.tenant.id, file);
      return json(201, renderFile(kept, fields['user'] ?? '', request.origin));
    },
  }),
  route({
    id: 'difyPreview',
    method: 'GET',
    path: '/v1/files/{file_id}/preview',
    access: 'run',
    tag,
    summary: 'Read an uploaded file',
    params: z.object({ file_id: z.string().max(64) }),
    query: z.object({ user: z.string().optional(), as_attachment: z.stringbool().optional() }),
    answers: { 200: { description: 'Its bytes' } },
    errors: ['not-found'],
    async handle({ caller, params, query }, ports) {
      const file = await requireFile(ports, caller.tenant.id, params.file_id);
      return replyWithFile(ports, file, { asAttachment: query.as_attachment ?? false });
    },
  }),
];
