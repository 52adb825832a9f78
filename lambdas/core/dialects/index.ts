// The table of dialects. Adding one is a folder and a line here.

import type { Dialect } from './dialect.ts';
import { dify } from './dify/dialect.ts';
import { gptbots } from './gptbots/dialect.ts';
import { huawei } from './huawei/dialect.ts';
import { native } from './native/dialect.ts';
import { qianfan } from './qianfan/dialect.ts';
import { tencent } from './tencent/dialect.ts';

export const DIALECTS: readonly Dialect[] = [native, dify, gptbots, qianfan, huawei, tencent];
