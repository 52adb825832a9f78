// The webhooks of a run: their delivery log, manual delivery, and the secret that signs them.

import * as z from 'zod';
import { requireRecord, requireRun } from '../../../access/run-access.ts';
import { redeliver } from '../../../deliver/redeliver.ts';
import { readDeliverySecret, rotateWebhookSecret } from '../../../deliver/signing-secrets.ts';
import { renderDelivery } from '../../../runs/run-view.ts';
import { json, route } from '../../dialect.ts';
import { runIdParams } from '../input.ts';
import { nullableTime, time, webhookState } from '../render.ts';

const tag = 'Webhooks';

const delivery = webhookState
  .extend({
    nextAt: nullableTime,
    attempts: z.array(
      z.object({
        at: time,
        durationMs: z.int(),
        status: z.int().nullable(),
        response: z.string().nullable(),
        error: z.string().nullable(),
        manual: z.boolean(),
      }),
    ),
  })
  .meta({ id: 'Delivery' });

const listDeliveries = route({
  id: 'listDeliveries',
  method: 'GET',
  path: '/v1/runs/{id}/deliveries',
  access: 'run',
  tag,
  summary: "Read the delivery log of a run's webhooks",
  params: runIdParams,
  answers: { 200: { description: 'Every webhook', schema: z.object({ items: z.array(delivery), next: z.null() }) } },
  errors: ['run-not-found'],
  async handle({ caller, params }, ports) {
    const { deliveries } = await requireRecord(ports, caller, params.id);
    return json(200, { items: deliveries.map(renderDelivery), next: null });
  },
});

const redeliverOne = route({
  id: 'redeliver',
  method: 'POST',
  path: '/v1/runs/{id}/deliveries/{n}/redeliver',
  access: 'run',
  tag,
  summary: 'Deliver a webhook again',
  description:
    'Whether or not it was delivered before; the message id stays the same, so that receivers can detect the duplicate.',
  params: runIdParams.extend({ n: z.coerce.number().int().min(1).meta({ description: 'Number of the webhook' }) }),
  body: { kind: 'json', schema: z.strictObject({}), optional: true },
  answers: { 202: { description: 'It will be delivered at once', schema: delivery } },
  errors: ['run-not-found', 'run-not-settled', 'not-found'],
  async handle({ caller, params }, ports) {
    const { id } = await requireRun(ports, caller, params.id);
    return json(202, renderDelivery(await redeliver(ports, caller, { run: id, n: params.n })));
  },
});

const secretAnswer = z.object({ secret: z.string().meta({ description: 'whsec_… (Standard Webhooks)' }) });

const readSecret = route({
  id: 'readWebhookSecret',
  method: 'GET',
  path: '/v1/webhook-secret',
  access: 'admin',
  tag,
  summary: 'Read the secret that signs webhooks',
  answers: { 200: { description: 'The newest secret', schema: secretAnswer } },
  errors: [],
  async handle({ caller }, ports) {
    return json(200, { secret: await readDeliverySecret(ports, caller.tenant.id) });
  },
});

const rotateSecret = route({
  id: 'rotateWebhookSecret',
  method: 'POST',
  path: '/v1/webhook-secret:rotate',
  access: 'admin',
  tag,
  summary: 'Create a new secret',
  description: 'For 24 hours, webhooks are signed with the previous secret too.',
  body: { kind: 'json', schema: z.strictObject({}), optional: true },
  answers: { 200: { description: 'The new secret', schema: secretAnswer } },
  errors: [],
  async handle({ caller }, ports) {
    return json(200, { secret: await rotateWebhookSecret(ports, caller.tenant.id) });
  },
});

export const deliveryRoutes = [listDeliveries, redeliverOne, readSecret, rotateSecret];
