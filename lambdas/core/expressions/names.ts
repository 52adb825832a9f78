// The names in expressions: the roots, the functions that may be called, and those that may not, with the reason.

export const ROOTS = [
  'inputs',
  'nodes',
  'status',
  'errors',
  'item',
  'index',
  'vars',
  'env',
  'secrets',
  'run',
  'result',
  'error',
  'callback',
  'args',
  'credentials',
] as const;
export type Root = (typeof ROOTS)[number];

/** Roots that must be followed by a literal name, so that edges and needed secrets are known before anything runs. */
export const NAMED_ROOTS: ReadonlySet<string> = new Set(['nodes', 'status', 'errors', 'secrets']);

/** Our own functions, in addition to JSONata's. */
export const HELPERS = ['has', 'isEmpty', 'startsWith', 'endsWith', 'coalesce'] as const;

/** Those of JSONata that may be called. */
export const JSONATA_FUNCTIONS = [
  ...['sum', 'count', 'max', 'min', 'average', 'string', 'substring', 'substringBefore', 'substringAfter', 'lowercase'],
  ...['uppercase', 'length', 'trim', 'match', 'contains', 'replace', 'split', 'join', 'formatNumber', 'formatBase'],
  ...['formatInteger', 'parseInteger', 'number', 'floor', 'ceil', 'round', 'abs', 'sqrt', 'power', 'boolean', 'not'],
  ...['map', 'zip', 'filter', 'single', 'reduce', 'sift', 'keys', 'lookup', 'append', 'exists', 'spread', 'merge'],
  ...['reverse', 'each', 'assert', 'type', 'sort', 'distinct', 'base64encode', 'base64decode', 'encodeUrlComponent'],
  ...['encodeUrl', 'decodeUrlComponent', 'decodeUrl', 'toMillis', 'fromMillis'],
];

export const FUNCTIONS: ReadonlySet<string> = new Set([...JSONATA_FUNCTIONS, ...HELPERS]);

const NO_TIME = 'a run must give the same result when it is resumed, so an expression cannot see the time';
const NO_CHANCE = 'a run must give the same result when it is resumed, so an expression cannot see chance';

export const BANNED: ReadonlyMap<string, string> = new Map([
  ['eval', 'an expression must be known before anything runs'],
  ['now', `${NO_TIME}; write $run.startedAt`],
  ['millis', `${NO_TIME}; write $run.startedAt`],
  ['random', NO_CHANCE],
  ['shuffle', NO_CHANCE],
  ['pad', 'it can fill the memory of the platform; use a template node'],
  ['clone', 'values never change, so there is nothing to copy'],
]);
