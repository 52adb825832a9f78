// One schema per function, shared with its construct in infra/: a variable that is missing does not compile.
// The only reader of process.env; parsed when the module loads, so a wrong deployment fails before any event.

import * as z from 'zod';

/** Of the metrics that functions publish, each with its `service` (the name of the function) and its `stage`. */
export const METRIC_NAMESPACE = 'Errand';

const platform = z.object({
  STAGE: z.string().min(1),
  RUNTIME_TABLE: z.string().min(1),
  CATALOG_TABLE: z.string().min(1),
  PAYLOAD_BUCKET: z.string().min(1),
  RUNS_QUEUE_URL: z.url(),
  DELIVERIES_QUEUE_URL: z.url(),
  PLATFORM_SECRET_ARN: z.string().min(1),
  /** none: https to public addresses only; loopback: also http and this machine; private: anything. */
  PRIVATE_TARGETS: z.enum(['none', 'loopback', 'private']),
});

/** Functions that run slices, and with them code nodes. */
const runner = platform.extend({
  CODE_NODE_FUNCTION: z.string().min(1),
  CODE_PYTHON_FUNCTION: z.string().min(1),
  /** tenant: those functions keep tenants in environments of their own; call: Lambda does not offer that in the Region. */
  CODE_ISOLATION: z.enum(['tenant', 'call']),
  /** Base URL of an endpoint that speaks OpenAI's wire; empty: none. */
  OPENAI_BASE_URL: z.string(),
  /** Secret with its key; empty: the endpoint wants none. */
  OPENAI_KEY_SECRET_ARN: z.string(),
  /** Models of Bedrock that flows may ask, separated by commas; empty: none. */
  BEDROCK_MODELS: z.string(),
  /** Knowledge bases of Bedrock that flows may search, `name=id` separated by commas; empty: none. */
  KNOWLEDGE_BASES: z.string().regex(/^(\w+=\w+(,\w+=\w+)*)?$/),
});

/** Functions that hand runs off to the Step Functions machine. (`advance` runs inside it and gets its ARN in the event:
 * the machine refers to `advance`, so the other way round would be a circular dependency.) */
const starter = { MACHINE_ARN: z.string().min(1) };

export const ENVIRONMENTS = {
  api: runner.extend({
    ...starter,
    /** What callback addresses and links begin with; empty: the name under which API Gateway was called. */
    PUBLIC_ORIGIN: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]),
  }),
  /** always: every async run goes through the machine, for those who want each run in the AWS console. */
  work: runner.extend({ ...starter, MACHINE_MODE: z.enum(['onDemand', 'always']) }),
  advance: runner,
  deliver: platform,
  sweep: platform.extend(starter),
} as const;

export type FunctionName = keyof typeof ENVIRONMENTS;
export type Environment<Name extends FunctionName> = z.infer<(typeof ENVIRONMENTS)[Name]>;

/** On a developer's machine the key comes with the environment, never through a template. */
export const readLocalModelKey = (): string | undefined => process.env['OPENAI_API_KEY'];

/** On one machine, the ports that the platform keeps to itself: no flow, and no code of a flow, may connect to them. */
export const readOwnPorts = (): ReadonlySet<number> =>
  new Set((process.env['ERRAND_OWN_PORTS'] ?? '').split(',').filter(Boolean).map(Number));

/** Throws an error that names every wrong variable. */
export function readEnvironment<Name extends FunctionName>(name: Name): Environment<Name> {
  const parsed = ENVIRONMENTS[name].safeParse(process.env);
  if (parsed.success) return parsed.data as Environment<Name>;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  throw new Error(`The environment of function '${name}' is wrong: ${problems}`);
}
