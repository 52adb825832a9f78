// Uploading a file: the answer is its address, which a run is given as the value of an input.

import * as z from 'zod';
import { buildFileLink } from '../../catalog/file-links.ts';
import { keepFile } from '../../catalog/files.ts';
import { ApiError } from '../../errors.ts';
import { json, route } from '../dialect.ts';
import { readUpload, uploadBody } from '../upload.ts';

const DAY_SECONDS = 24 * 60 * 60;
const MAX_DAYS = 7;

function invalid(message: string): never {
  throw new ApiError('invalid-request', `file ${message}`, { details: [{ field: 'file', message }] });
}

export const uploadRoutes = [
  route({
    id: 'huaweiUpload',
    method: 'POST',
    path: '/v1/{project_id}/agent-runtime/upload-file',
    access: 'run',
    tag: 'Huawei Cloud',
    summary: 'Upload a file for an input',
    params: z.object({ project_id: z.string().max(64) }),
    query: z.object({
      workspace_id: z.string().max(64).optional(),
      /** Seconds that the address is good for. */
      expires: z.coerce
        .number()
        .int()
        .min(1)
        .max(MAX_DAYS * DAY_SECONDS)
        .default(DAY_SECONDS),
      is_image: z.stringbool().optional(),
    }),
    body: uploadBody,
    answers: { 200: { description: 'The address of the file' } },
    errors: [],
    async handle({ caller, query, request }, ports) {
      const { files } = await readUpload(request);
      const [file] = files;
      if (!file) invalid('is required: send a form with the field `file`');
      if (file.name === '') invalid('needs a name');
      if (query.is_image && !file.type.startsWith('image/')) invalid('is no image');
      const kept = await keepFile(ports, caller.tenant.id, file);
      const until = ports.clock.now() + query.expires * 1_000;
      const url = await buildFileLink(ports, kept, { origin: request.origin, until });
      return json(200, { url, headers: {}, file_name: kept.name });
    },
  }),
];
