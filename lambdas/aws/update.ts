// Builds one conditional UpdateItem from what a domain move sets, counts and removes.

import { type Item, toItem } from './dynamo.ts';

export interface Change {
  /** Attributes that are undefined stay as they are. */
  set?: Record<string, unknown>;
  /** Set unless the attribute is there already. */
  setOnce?: Record<string, unknown>;
  /** Added to a number (0 where it is missing). */
  add?: Record<string, number>;
  remove?: readonly string[];
  /** Condition; `#status` is the status attribute. */
  when: string;
  /** Values that the condition names. */
  values: Record<string, unknown>;
}

export interface Update {
  UpdateExpression: string;
  ConditionExpression: string;
  ExpressionAttributeNames: Record<string, string>;
  ExpressionAttributeValues: Item;
}

export function update({ set = {}, setOnce = {}, add = {}, remove = [], when, values }: Change): Update {
  const names: Record<string, string> = {};
  // Every attribute goes by a placeholder: `status`, `error`, `usage` and `ttl` are reserved words.
  const name = (attribute: string): string => {
    names[`#${attribute}`] = attribute;
    return `#${attribute}`;
  };
  const all: Record<string, unknown> = { ...values };
  const value = (attribute: string, it: unknown): string => {
    all[`:set_${attribute}`] = it;
    return `:set_${attribute}`;
  };
  const sets = [
    ...Object.entries(set)
      .filter(([, it]) => it !== undefined)
      .map(([key, it]) => `${name(key)} = ${value(key, it)}`),
    ...Object.entries(setOnce).map(([key, it]) => `${name(key)} = if_not_exists(${name(key)}, ${value(key, it)})`),
  ];
  const adds = Object.entries(add).map(([key, it]) => `${name(key)} ${value(key, it)}`);
  const clauses = [
    sets.length > 0 && `SET ${sets.join(', ')}`,
    adds.length > 0 && `ADD ${adds.join(', ')}`,
    remove.length > 0 && `REMOVE ${remove.map(name).join(', ')}`,
  ];
  if (when.includes('#status')) name('status');
  return {
    UpdateExpression: clauses.filter(Boolean).join(' '),
    ConditionExpression: when,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: toItem(all),
  };
}
