// Files for inputs of type `file` and `files`: announced here, uploaded directly to S3, used in a run by their id.

import * as z from 'zod';
import { resolveFileLink } from '../../../catalog/file-links.ts';
import { announceFile, requireFile } from '../../../catalog/files.ts';
import { MAX_FILE_BYTES, UPLOAD_SECONDS } from '../../../limits.ts';
import type { StoredFile } from '../../../ports/files.ts';
import { json, route } from '../../dialect.ts';
import { replyWithFile } from '../../files.ts';
import { time } from '../render.ts';

const tag = 'Files';
const MEDIA_TYPE = /^[\w.+-]{1,127}\/[\w.+-]{1,127}$/;
// Without characters that file systems and headers do not allow.
const NAME = /^[^\p{Cc}/\\]{1,255}$/u;

const newFile = z.strictObject({
  name: z.string().regex(NAME, 'must be 1 to 255 characters without / and \\'),
  type: z
    .string()
    .regex(MEDIA_TYPE, 'must be a media type such as application/pdf')
    .default('application/octet-stream'),
  size: z.int().min(1).max(MAX_FILE_BYTES).meta({ description: 'Bytes: the upload must have exactly this size' }),
});

const file = {
  id: z.string(),
  name: z.string(),
  type: z.string(),
  size: z.int(),
  createdAt: time,
};

const renderFile = ({ id, name, type, size, createdAt }: StoredFile) => ({
  id,
  name,
  type,
  size,
  createdAt: new Date(createdAt).toISOString(),
});

const until = (now: number) => new Date(now + UPLOAD_SECONDS * 1_000).toISOString();

const content = route({
  id: 'readFileByLink',
  method: 'GET',
  path: '/v1/files/{id}/content',
  access: 'anyone',
  tag,
  summary: 'Read a file by its signed URL',
  params: z.object({ id: z.string().min(1).max(64) }),
  query: z.object({ tenant: z.string().max(64), until: z.coerce.number().int(), signature: z.string().max(64) }),
  answers: { 200: { description: 'Its bytes', mediaType: 'application/octet-stream' } },
  errors: ['not-found'],
  async handle({ params: { id }, query }, ports) {
    return replyWithFile(ports, await resolveFileLink(ports, { id, ...query }), { asAttachment: true });
  },
});

export const fileRoutes = [
  content,
  route({
    id: 'announceFile',
    method: 'POST',
    path: '/v1/files',
    access: 'run',
    tag,
    summary: 'Upload a file',
    description:
      'Returns a URL for a PUT request with the bytes, and the headers of that request. An input of a run then refers to the file by `{"id": …}`. Files are kept as long as runs, 30 days.',
    body: {
      kind: 'json',
      schema: newFile,
      examples: { report: { name: 'report.pdf', type: 'application/pdf', size: 48_213 } },
    },
    answers: {
      201: {
        description: 'The file, and where to upload its bytes',
        schema: z.object({
          ...file,
          upload: z.object({
            method: z.literal('PUT'),
            url: z.string(),
            headers: z.record(z.string(), z.string()),
            expiresAt: time,
          }),
        }),
      },
    },
    errors: [],
    async handle({ body, caller }, ports) {
      const { file: made, upload } = await announceFile(ports, caller.tenant.id, body);
      return json(201, { ...renderFile(made), upload: { method: 'PUT', ...upload, expiresAt: until(made.createdAt) } });
    },
  }),
  route({
    id: 'readFile',
    method: 'GET',
    path: '/v1/files/{id}',
    access: 'run',
    tag,
    summary: 'Read a file: its fields, and where its bytes are',
    params: z.object({ id: z.string().min(1).max(64) }),
    answers: {
      200: {
        description: 'The file; `download` is null until its bytes are uploaded',
        schema: z.object({ ...file, download: z.object({ url: z.string(), expiresAt: time }).nullable() }),
      },
    },
    errors: ['not-found'],
    async handle({ caller, params: { id } }, ports) {
      const found = await requireFile(ports, caller.tenant.id, id);
      const url = (await ports.files.isUploaded(found)) ? await ports.files.downloadUrl(found) : undefined;
      const download = url === undefined ? null : { url, expiresAt: until(ports.clock.now()) };
      return json(200, { ...renderFile(found), download });
    },
  }),
];
