// The models that flows can use.

import * as z from 'zod';
import { listModels } from '../../../models/registry.ts';
import { json, route } from '../../dialect.ts';

const model = z
  .object({
    id: z.string().meta({ description: 'The name in a flow; `openai/*` is any model of the endpoint' }),
    provider: z.string(),
    price: z
      .object({ input: z.number(), output: z.number(), version: z.string() })
      .nullable()
      .meta({ description: 'US dollars per million tokens; null counts as 0' }),
  })
  .meta({ id: 'Model' });

export const modelRoutes = [
  route({
    id: 'listModels',
    method: 'GET',
    path: '/v1/models',
    access: 'run',
    tag: 'Models',
    summary: 'List the models that flows can use, with prices',
    answers: { 200: { description: 'Every model', schema: z.object({ items: z.array(model), next: z.null() }) } },
    errors: [],
    async handle(_, ports) {
      return json(200, { items: listModels(ports.models), next: null });
    },
  }),
];
