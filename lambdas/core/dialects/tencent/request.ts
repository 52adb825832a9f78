// The query and the variables of a request: Describe repeats them as they were sent. They are kept with the run as far as
// its record has room; what is longer is read back from the inputs that took it.

import * as z from 'zod';
import { fitsRunRecord } from '../../api/submit.ts';
import type { Plan } from '../../flow/plan.ts';
import type { JsonObject } from '../../json.ts';
import type { Run, RunRecord } from '../../run.ts';

export interface RunRequest {
  Query: string;
  CustomVariables: { Name: string; Value: string }[];
}

export const QUERY_NAMES = ['_sys_origin_query', 'rawQuery', 'query', 'Query'] as const;

const echoSchema = z.object({
  appBizId: z.string(),
  /** Of the variables. */
  names: z.array(z.string()).optional(),
  /** The query, then the values of the variables where there was room for them. */
  texts: z.array(z.string()),
  isCut: z.literal(true).optional(),
});
type Echo = z.output<typeof echoSchema>;

const MAX_CHARS = 2_000;
const MAX_NAMES_CHARS = 1_000;

export function makeEcho(appBizId: string, { Query, CustomVariables }: RunRequest): Echo {
  const names = CustomVariables.map(({ Name }) => Name);
  const whole = { appBizId, names, texts: [Query, ...CustomVariables.map(({ Value }) => Value)] };
  if (fitsRunRecord(whole)) return whole;
  const named = { appBizId, names, texts: [Query] };
  if (fitsRunRecord(named)) return named;
  let kept = Query.slice(0, MAX_CHARS).toWellFormed();
  // Without names, all inputs are listed.
  const listed = JSON.stringify(names).length <= MAX_NAMES_CHARS ? { names } : {};
  const cut = (): Echo => ({ appBizId, ...listed, texts: [kept], isCut: true });
  while (!fitsRunRecord(cut())) kept = kept.slice(0, Math.floor(kept.length * 0.8)).toWellFormed();
  return cut();
}

export const readAppBizId = ({ echo, flow }: Run): string => echoSchema.safeParse(echo).data?.appBizId ?? flow;

const toText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

export function renderRequest({ run, inputs }: Pick<RunRecord, 'run' | 'inputs'>, plan: Plan): RunRequest {
  const { names, texts = [], isCut } = echoSchema.safeParse(run.echo).data ?? {};
  const [query, ...values] = texts;
  const input = findQueryInput(plan);
  const isRead = input !== undefined && (query === undefined || isCut);
  return {
    Query: isRead ? toText(inputs[input] ?? '') : (query ?? ''),
    CustomVariables: (names ?? Object.keys(inputs).filter((name) => name !== input)).map((Name, index) => ({
      Name,
      Value: values[index] ?? toText(readInput(inputs, plan, Name) ?? ''),
    })),
  };
}

function readInput(inputs: JsonObject, plan: Plan, called: string) {
  const named = Object.entries(plan.inputs).find(([name, { alias = [] }]) => name === called || alias.includes(called));
  return inputs[named?.[0] ?? called];
}

function findQueryInput({ inputs }: Plan): string | undefined {
  const isQuery = (name: string) => (QUERY_NAMES as readonly string[]).includes(name);
  return Object.entries(inputs).find(([name, { alias = [] }]) => isQuery(name) || alias.some(isQuery))?.[0];
}
