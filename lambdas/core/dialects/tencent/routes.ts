// The routes of Tencent: one file each in `routes/`.

import { actionRoute } from './routes/actions.ts';
import { dialogueRoutes } from './routes/dialogue.ts';

export const routes = [actionRoute, ...dialogueRoutes];
