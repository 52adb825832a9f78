// The types that a vendor publishes with its client, as the judge of an answer: the interfaces of a declaration file, read
// as text, and what of a value they do not declare.

import { readFileSync } from 'node:fs';

interface Field {
  type: string;
  isOptional: boolean;
  /** The vendor's comment says so, where the type does not. */
  mayBeNull: boolean;
  isDeprecated: boolean;
}

export type Interfaces = Map<string, Map<string, Field>>;

const INTERFACE = /export interface (\w+) \{\n([\s\S]*?)\n\}/g;
const FIELD = /(\/\*\*[\s\S]*?\*\/)?\s*(\w+)(\?)?: ([^;]+);/g;

export function readInterfaces(file: string): Interfaces {
  const text = readFileSync(file, 'utf8');
  const read = ([, name = '', body = '']: RegExpMatchArray) => {
    const fields = [...body.matchAll(FIELD)].map(([, comment = '', field = '', optional, type = '']) => {
      const mayBeNull = comment.includes('可能返回 null') || /\bnull\b/.test(type);
      const found = {
        type,
        isOptional: optional !== undefined,
        mayBeNull,
        isDeprecated: comment.includes('@deprecated'),
      };
      return [field, found] as const;
    });
    return [name, new Map(fields)] as const;
  };
  return new Map([...text.matchAll(INTERFACE)].map(read));
}

/** Types that the vendor publishes in another form, by the names and types of their fields. */
export function makeInterfaces(fields: Record<string, Record<string, string>>): Interfaces {
  const make = (type: string): Field => ({
    type,
    isOptional: true,
    mayBeNull: /\bnull\b/.test(type),
    isDeprecated: false,
  });
  const entries = Object.entries(fields).map(
    ([name, types]) => [name, new Map(Object.entries(types).map(([field, type]) => [field, make(type)]))] as const,
  );
  return new Map(entries);
}

/** One message for each field that is of another type, is not declared, or is missing. */
export function findTypeMisfits(
  types: Interfaces,
  name: string,
  value: unknown,
  { mayMiss = false, at = name }: { mayMiss?: boolean; at?: string } = {},
): string[] {
  const fields = types.get(name);
  if (!fields) return [`${at}: there is no type ${name}`];
  if (typeof value !== 'object' || value === null) return [`${at} is ${JSON.stringify(value)}, not ${name}`];
  const record = value as Record<string, unknown>;
  const undeclared = Object.keys(record).filter((field) => !fields.has(field));
  return [
    ...undeclared.map((field) => `${at}.${field} is not declared`),
    ...[...fields].flatMap(([field, spec]) => {
      if (field in record)
        return findFieldMisfits(types, spec, { value: record[field], mayMiss, at: `${at}.${field}` });
      return spec.isDeprecated || mayMiss ? [] : [`${at}.${field} is missing`];
    }),
  ];
}

interface Found {
  value: unknown;
  mayMiss: boolean;
  at: string;
}

function findFieldMisfits(types: Interfaces, { type, mayBeNull }: Field, found: Found): string[] {
  const { value, at } = found;
  if (value === null) return mayBeNull ? [] : [`${at} is null`];
  const item = /^Array<(.*)>$/.exec(type)?.[1];
  if (item === undefined) return findValueMisfits(types, type, found);
  if (!Array.isArray(value)) return [`${at} is ${JSON.stringify(value)}, not a list`];
  return value.flatMap((it, index) => findValueMisfits(types, item, { ...found, value: it, at: `${at}[${index}]` }));
}

function findValueMisfits(types: Interfaces, type: string, { value, ...how }: Found): string[] {
  const plain = type.split(' | ');
  if (plain.includes(typeof value)) return [];
  return types.has(type)
    ? findTypeMisfits(types, type, value, how)
    : [`${how.at} is ${JSON.stringify(value)}, not ${type}`];
}
