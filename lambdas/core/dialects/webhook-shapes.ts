// Webhook bodies for runs that came through a dialect; native's body for dialects that are not listed here.

import type { Shapes } from '../deliver/event.ts';
import { renderWebhook } from './gptbots/events.ts';

export const WEBHOOK_SHAPES: Shapes = { gptbots: renderWebhook };
