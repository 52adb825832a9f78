// The draft of a flow, and publishing it as a version. The core loads the compiler when it gets a draft.

import * as z from 'zod';
import { readGranted } from '../../../access/grants.ts';
import { requireFlow } from '../../../access/run-access.ts';
import { publish, readDraft, saveDraft } from '../../../catalog/flows.ts';
import { MAX_SOURCE_BYTES } from '../../../limits.ts';
import { json, route } from '../../dialect.ts';
import { flowParams } from '../input.ts';
import { flowProblem, renderSupport, support } from '../render.ts';

const tag = 'Flows';
const IF_MATCH = {
  'If-Match': 'The etag of the draft that this one was made from: the call fails if the draft has changed since.',
};

const EXAMPLE = `flow: 1
name: hello
inputs:
  name: { type: string, default: World }
nodes:
  greet:
    type: template
    with: { text: "Hello {{ inputs.name }}!" }
outputs:
  greeting: \${{ $nodes.greet.text }}
`;

const compiledFields = {
  etag: z.string(),
  problems: z.array(flowProblem),
  async: support,
  sync: support,
};

const put = route({
  id: 'saveDraft',
  method: 'PUT',
  path: '/v1/flows/{name}/draft',
  access: 'admin',
  keepsToFlow: true,
  tag,
  summary: "Store a flow's draft",
  description: 'A draft with problems is stored too; only a text that cannot be parsed is an error.',
  params: flowParams,
  headers: IF_MATCH,
  body: {
    kind: 'text',
    mediaTypes: ['application/yaml', 'application/json', 'application/x-yaml', 'text/yaml', 'text/plain'],
    description: 'The flow as YAML or JSON (docs/flow-format.md)',
    example: EXAMPLE,
    maxBytes: MAX_SOURCE_BYTES,
  },
  answers: {
    200: { description: 'The draft is stored; its problems', schema: z.object(compiledFields) },
  },
  errors: ['invalid-flow'],
  async handle({ body: source, caller, params: { name }, request }, ports) {
    requireFlow(caller, name);
    const ifMatch = request.headers['if-match'];
    const draft = { name, source, ifMatch, granted: readGranted(caller) };
    const { etag, compiled } = await saveDraft(ports, caller.tenant.id, draft);
    const { problems, async, sync } = compiled;
    return json(200, { etag, problems, async: renderSupport(async), sync: renderSupport(sync) }, { etag });
  },
});

const read = route({
  id: 'readDraft',
  method: 'GET',
  path: '/v1/flows/{name}/draft',
  access: 'admin',
  keepsToFlow: true,
  tag,
  summary: "Read a flow's draft",
  params: flowParams,
  answers: {
    200: { description: 'The draft', schema: z.object({ name: z.string(), source: z.string(), ...compiledFields }) },
  },
  errors: ['flow-not-found'],
  async handle({ caller, params: { name } }, ports) {
    requireFlow(caller, name);
    const { etag, source, compiled } = await readDraft(ports, caller.tenant.id, name);
    const { problems, async, sync } = compiled;
    const draft = { name, etag, source, problems, async: renderSupport(async), sync: renderSupport(sync) };
    return json(200, draft, { etag });
  },
});

const publishedSchema = z.object({ version: z.string(), digest: z.string(), async: support, sync: support });

const publishDraft = route({
  id: 'publishDraft',
  method: 'POST',
  path: '/v1/flows/{name}/publish',
  access: 'admin',
  keepsToFlow: true,
  tag,
  summary: 'Publish the draft as an immutable version',
  description:
    'The version number depends on what changed in inputs and outputs; the request can name a higher one. Publishing the same content again returns the existing version. What the flow uses of the tenant must be among the `grants` of a key that is bound to the flow.',
  params: flowParams,
  headers: { 'If-Match': 'The etag of the draft that was read: the call fails if the draft has changed since.' },
  body: {
    kind: 'json',
    schema: z.strictObject({
      version: z
        .string()
        .regex(/^\d+\.\d+\.\d+$/, 'must be MAJOR.MINOR.PATCH')
        .optional(),
    }),
    optional: true,
  },
  answers: {
    200: { description: 'The content was published before', schema: publishedSchema },
    201: { description: 'The new version', schema: publishedSchema },
  },
  errors: ['forbidden', 'flow-not-found', 'invalid-flow'],
  async handle({ body, caller, params: { name }, request }, ports) {
    requireFlow(caller, name);
    const ifMatch = request.headers['if-match'];
    const asked = { name, version: body.version, ifMatch, granted: readGranted(caller) };
    const { created, version } = await publish(ports, caller.tenant.id, asked);
    const { digest, async, sync } = version;
    const published = { version: version.version, digest, async: renderSupport(async), sync: renderSupport(sync) };
    return json(created ? 201 : 200, published);
  },
});

export const draftRoutes = [put, read, publishDraft];
