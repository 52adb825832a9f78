// Tencent's application: a number in every request, which stands for the one flow that the application runs.

import type { Caller } from '../../access/caller.ts';
import { tencentAppBizId } from '../../access/key-forms.ts';
import { boundFlow, resolveFlow } from '../../access/keys.ts';
import type { ApiRequest } from '../dialect.ts';
import { readSecretId } from './authenticate.ts';

/** The number that was issued with the key, one that the key maps, or the name of a flow. */
export function resolveApplication(caller: Caller, request: ApiRequest, appBizId: string): string {
  if (appBizId === tencentAppBizId(readSecretId(request)) && !caller.key.ids?.[appBizId]) return boundFlow(caller);
  return resolveFlow(caller, appBizId);
}
