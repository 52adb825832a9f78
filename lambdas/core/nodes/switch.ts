// The switch node: takes the branch of the first case whose condition is true.

import * as z from 'zod';
import { bareExpression, ID } from '../flow/fields.ts';
import type { Json, JsonObject } from '../json.ts';
import { done, type NodeKind } from './node-kind.ts';

const ELSE = 'else';
// Branches that every node may have.
const TAKEN = ['error', 'timeout'];

const branch = z
  .string()
  .regex(ID)
  .refine((id) => !TAKEN.includes(id), { error: `must not be ${TAKEN.join(' or ')}, which every node may have` });

interface SwitchWith extends JsonObject {
  cases: { id: string; when: Json }[];
  default: string;
}

const listBranches = (source: SwitchWith): string[] => [...source.cases.map(({ id }) => id), source.default ?? ELSE];

export const SWITCH: NodeKind<SwitchWith> = {
  type: 'switch',
  summary: 'Takes the branch of the first case whose `when` is true, else of `default`. Gives {case}.',
  fields: {
    cases: 'Branches in order: the first whose when is true is taken',
    default: 'The branch where no case is true (else)',
  },
  with: z
    .strictObject({
      cases: z
        .array(z.strictObject({ id: branch, when: bareExpression }))
        .min(1)
        .max(64),
      default: branch.optional(),
    })
    .refine((source) => new Set(listBranches(source as SwitchWith)).size === source.cases.length + 1, {
      error: 'has two branches with the same id',
      path: ['cases'],
    }),
  defaultTimeoutMs: 5_000,
  bareFields: ['cases[].when'],
  ports: listBranches,
  run: async (_, input) => {
    const taken = input.cases.find(({ when }) => isTrue(when))?.id ?? input.default ?? ELSE;
    return done({ case: taken }, { port: taken });
  },
};

/** JSONata's `$boolean`: https://docs.jsonata.org/boolean-functions#boolean */
function isTrue(value: Json): boolean {
  if (Array.isArray(value)) return value.some(isTrue);
  return typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value);
}
