// The draft of a flow, and making a version of it. The compiler is loaded by the core when a draft comes.

import * as z from 'zod';
import { requireFlow } from '../../../access/run-access.ts';
import { publish, readDraft, saveDraft } from '../../../catalog/flows.ts';
import { MAX_SOURCE_BYTES } from '../../../limits.ts';
import { json, route } from '../../dialect.ts';
import { flowProblem, renderSupport, support } from '../flow-schemas.ts';
import { flowParams } from '../render.ts';

const tag = 'Flows';
const IF_MATCH = { 'If-Match': 'The etag of the draft that this one was made from: an outdated editor is refused.' };

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

const judgement = {
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
  description: 'A draft with problems is stored too; only a text that cannot be parsed is refused.',
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
    200: { description: 'The draft is stored; what is wrong with it', schema: z.object(judgement) },
  },
  errors: ['invalid-flow'],
  async handle({ body: source, caller, params: { name }, request }, ports) {
    requireFlow(caller, name);
    const ifMatch = request.headers['if-match'];
    const draft = { name, source, ifMatch };
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
    200: { description: 'The draft', schema: z.object({ name: z.string(), source: z.string(), ...judgement }) },
  },
  errors: ['flow-not-found'],
  async handle({ caller, params: { name } }, ports) {
    requireFlow(caller, name);
    const { etag, source, compiled } = await readDraft(ports, caller.tenant.id, name);
    const { problems, async, sync } = compiled;
    const shown = { name, etag, source, problems, async: renderSupport(async), sync: renderSupport(sync) };
    return json(200, shown, { etag });
  },
});

const published = z.object({ version: z.string(), digest: z.string(), async: support, sync: support });

const publishDraft = route({
  id: 'publishDraft',
  method: 'POST',
  path: '/v1/flows/{name}/publish',
  access: 'admin',
  keepsToFlow: true,
  tag,
  summary: 'Publish the draft as an immutable version',
  description:
    'The version number follows from what changed in inputs and outputs; a higher one may be asked for. Publishing the same content again answers the version that exists.',
  params: flowParams,
  body: {
    kind: 'json',
    schema: z.strictObject({
      version: z
        .string()
        .regex(/^\d+\.\d+\.\d+$/, 'write MAJOR.MINOR.PATCH')
        .optional(),
    }),
    optional: true,
  },
  answers: {
    200: { description: 'The content was published before', schema: published },
    201: { description: 'The new version', schema: published },
  },
  errors: ['flow-not-found', 'invalid-flow'],
  async handle({ body, caller, params: { name } }, ports) {
    requireFlow(caller, name);
    const asked = { name, version: body.version };
    const { created, version } = await publish(ports, caller.tenant.id, asked);
    const { digest, async, sync } = version;
    const shown = { version: version.version, digest, async: renderSupport(async), sync: renderSupport(sync) };
    return json(created ? 201 : 200, shown);
  },
});

export const draftRoutes = [put, read, publishDraft];
