// What webhooks are told of runs that came through a dialect; native's shape where none is named here.

import type { Shapes } from '../deliver/event.ts';
import { shapeWebhook } from './gptbots/render.ts';

export const WEBHOOK_SHAPES: Shapes = { gptbots: shapeWebhook };
