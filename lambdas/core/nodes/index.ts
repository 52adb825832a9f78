// The table of node kinds. A new kind is one file or folder beside this one, and one line here.

import { APPROVAL } from './approval/approval.ts';
import { CALLBACK } from './callback.ts';
import { CLASSIFY } from './classify.ts';
import { CODE } from './code/code.ts';
import { DOCUMENT } from './document/document.ts';
import { EXTRACT } from './extract.ts';
import { FAIL } from './fail.ts';
import { FIRST } from './first.ts';
import { FLOW } from './flow.ts';
import { GROUP } from './group.ts';
import { HTTP } from './http/http.ts';
import { LAMBDA } from './lambda.ts';
import { LLM } from './llm/llm.ts';
import type { NodeKind } from './node-kind.ts';
import { QUESTION } from './question.ts';
import { REPLY } from './reply.ts';
import { RETRIEVE } from './retrieve.ts';
import { SET } from './set.ts';
import { SWITCH } from './switch.ts';
import { TEMPLATE } from './template/template.ts';
import { TOOL } from './tool/tool.ts';
import { WAIT } from './wait.ts';

export const NODE_KINDS = {
  http: HTTP,
  llm: LLM,
  classify: CLASSIFY,
  extract: EXTRACT,
  set: SET,
  template: TEMPLATE,
  code: CODE,
  switch: SWITCH,
  first: FIRST,
  fail: FAIL,
  group: GROUP,
  wait: WAIT,
  callback: CALLBACK,
  lambda: LAMBDA,
  tool: TOOL,
  approval: APPROVAL,
  question: QUESTION,
  reply: REPLY,
  flow: FLOW,
  document: DOCUMENT,
  retrieve: RETRIEVE,
} as const satisfies Record<string, NodeKind>;

/** The kind of a node's `type`; undefined where the type is unknown. */
export function findNodeKind(type: string): NodeKind | undefined {
  return Object.hasOwn(NODE_KINDS, type) ? NODE_KINDS[type as keyof typeof NODE_KINDS] : undefined;
}
