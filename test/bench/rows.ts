// Names what a call of DynamoDB is about, so that an account of calls can be read: rows by their keys, without ids.

type Values = Record<string, { S?: string }>;

/** The parts of a call's input that name the row. */
export interface CallInput {
  IndexName?: string;
  ConsistentRead?: boolean;
  TransactItems?: Record<string, CallInput>[];
  Key?: Values;
  Item?: Values;
  ExpressionAttributeValues?: Values;
}

/** `RUN`, `RUN + RUN#IN`, `index due`; `RUN, all` of a partition, `RUN, eventually` where a read may be a little old. */
export function makeRow(input: CallInput): string {
  if (input.IndexName !== undefined) return `index ${input.IndexName}`;
  if (input.TransactItems) return input.TransactItems.flatMap(Object.values).map(makeRow).join(' + ');
  const keys = input.Key ?? input.Item;
  if (keys) return nameRow(keys['pk']?.S ?? '', keys['sk']?.S ?? '') + (isOld(input) ? ', eventually' : '');
  const { ':pk': pk, ...rest } = input.ExpressionAttributeValues ?? {};
  const bounds = Object.values(rest).flatMap(({ S = [] }) => S);
  return bounds.length > 0 ? bounds.join(' to ') : `${nameRow(pk?.S ?? '', 'META')}, all`;
}

// Writes say nothing of consistency; the SDK leaves out what is not said.
const isOld = ({ ConsistentRead }: CallInput): boolean => ConsistentRead === false;

function nameRow(pk: string, sk: string): string {
  if (sk === 'META') return `${pk.split('#')[0]}`;
  return sk.replace(/^(RUN#D|NODE|SIG|WAIT|FLOW|PLAN|V|KEY|SECRET)#.*/, '$1');
}
