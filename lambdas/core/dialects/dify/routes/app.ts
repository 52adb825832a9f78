// The app behind the key: its input form, and how it presents itself.

import * as z from 'zod';
import type { Caller } from '../../../access/caller.ts';
import { boundFlow } from '../../../access/keys.ts';
import { resolveVersion } from '../../../catalog/flows.ts';
import type { Plan } from '../../../flow/plan.ts';
import { MAX_UPLOAD_BYTES } from '../../../limits.ts';
import type { Ports } from '../../../ports/ports.ts';
import { json, route } from '../../dialect.ts';
import { renderControl } from '../form.ts';
import { makeEndUserId } from '../render.ts';

const tag = 'Dify';
// Whatever its type: uploads pass through memory.
const UPLOAD_MB = MAX_UPLOAD_BYTES / 1_048_576;
const MAX_FILES = 10;

function renderParameters({ inputs }: Plan) {
  const visible = Object.entries(inputs).filter(([, { hidden }]) => !hidden);
  const takesFiles = visible.some(([, { type }]) => type === 'file' || type === 'files');
  const off = { enabled: false };
  return {
    opening_statement: '',
    suggested_questions: [],
    suggested_questions_after_answer: off,
    speech_to_text: off,
    text_to_speech: off,
    retriever_resource: off,
    annotation_reply: off,
    more_like_this: off,
    sensitive_word_avoidance: off,
    user_input_form: visible.map(([name, spec]) => renderControl(name, spec)),
    file_upload: {
      image: { enabled: takesFiles, number_limits: 3, detail: 'high', transfer_methods: ['remote_url', 'local_file'] },
    },
    system_parameters: {
      // A string in the vendor's own sample.
      image_file_size_limit: String(UPLOAD_MB),
      audio_file_size_limit: UPLOAD_MB,
      video_file_size_limit: UPLOAD_MB,
      file_size_limit: UPLOAD_MB,
      workflow_file_upload_limit: MAX_FILES,
    },
  };
}

const readPlan = async (ports: Ports, caller: Caller) =>
  (await resolveVersion(ports, caller.tenant.id, boundFlow(caller), {})).plan;

// The vendor's clients send `user` with every request.
const query = z.object({ user: z.string().optional() });
const shared = { method: 'GET', access: 'run', tag, query, errors: [] } as const;

export const appRoutes = [
  route({
    ...shared,
    id: 'difyWelcome',
    path: '/v1',
    access: 'anyone',
    summary: 'Read the name of the API',
    answers: { 200: { description: 'A greeting' } },
    async handle() {
      return json(200, { welcome: 'Dify OpenAPI', api_version: 'v1', server_version: '1.0.0' });
    },
  }),
  route({
    ...shared,
    id: 'difyParameters',
    path: '/v1/parameters',
    summary: 'Read the input form',
    answers: { 200: { description: 'The form' } },
    async handle({ caller }, ports) {
      return json(200, renderParameters(await readPlan(ports, caller)));
    },
  }),
  route({
    ...shared,
    id: 'difyInfo',
    path: '/v1/info',
    summary: 'Read what the app is',
    answers: { 200: { description: 'Name and description' } },
    async handle({ caller }, ports) {
      const { name, title = name, description = '', labels = {} } = await readPlan(ports, caller);
      return json(200, { name: title, description, tags: Object.values(labels), mode: 'workflow', author_name: '' });
    },
  }),
  route({
    ...shared,
    id: 'difyMeta',
    path: '/v1/meta',
    summary: "Read the app's icons",
    answers: { 200: { description: 'None' } },
    async handle({ caller }) {
      boundFlow(caller);
      return json(200, { tool_icons: {} });
    },
  }),
  route({
    ...shared,
    id: 'difySite',
    path: '/v1/site',
    summary: 'Read how the app presents itself',
    answers: { 200: { description: 'Its site' } },
    async handle({ caller }, ports) {
      const { name, title = name, description = '' } = await readPlan(ports, caller);
      return json(200, {
        title,
        chat_color_theme: null,
        chat_color_theme_inverted: false,
        icon_type: 'emoji',
        icon: '🤖',
        icon_background: '#FFEAD5',
        icon_url: null,
        description,
        copyright: null,
        privacy_policy: null,
        input_placeholder: null,
        custom_disclaimer: '',
        default_language: 'en-US',
        show_workflow_steps: true,
        use_icon_as_answer_icon: false,
      });
    },
  }),
  route({
    ...shared,
    id: 'difyEndUser',
    path: '/v1/end-users/{end_user_id}',
    summary: 'Read an end user, by the `user` of runs',
    params: z.object({ end_user_id: z.string().max(256) }),
    answers: { 200: { description: 'The end user' } },
    async handle({ caller, params }) {
      const name = params.end_user_id;
      return json(200, {
        id: makeEndUserId(caller.tenant.id, name),
        tenant_id: caller.tenant.id,
        app_id: boundFlow(caller),
        type: 'service_api',
        external_user_id: name,
        name: null,
        is_anonymous: false,
        session_id: name,
        created_at: new Date(caller.key.createdAt).toISOString(),
        updated_at: new Date(caller.key.createdAt).toISOString(),
      });
    },
  }),
];
