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

/** One message for each field that is of another type, is not declared, or is missing. */
export function findTypeMisfits(types: Interfaces, name: string, value: unknown, at = name): string[] {
  const fields = types.get(name);
  if (!fields) return [`${at}: there is no type ${name}`];
  if (typeof value !== 'object' || value === null) return [`${at} is ${JSON.stringify(value)}, not ${name}`];
  const given = value as Record<string, unknown>;
  const undeclared = Object.keys(given).filter((field) => !fields.has(field));
  return [
    ...undeclared.map((field) => `${at}.${field} is not declared`),
    ...[...fields].flatMap(([field, spec]) => {
      if (field in given) return findFieldMisfits(types, spec, given[field], `${at}.${field}`);
      return spec.isDeprecated ? [] : [`${at}.${field} is missing`];
    }),
  ];
}

function findFieldMisfits(types: Interfaces, { type, mayBeNull }: Field, value: unknown, at: string): string[] {
  if (value === null) return mayBeNull ? [] : [`${at} is null`];
  const item = /^Array<(.*)>$/.exec(type)?.[1];
  if (item === undefined) return findValueMisfits(types, type, value, at);
  if (!Array.isArray(value)) return [`${at} is ${JSON.stringify(value)}, not a list`];
  return value.flatMap((it, index) => findValueMisfits(types, item, it, `${at}[${index}]`));
}

function findValueMisfits(types: Interfaces, type: string, value: unknown, at: string): string[] {
  const plain = type.split(' | ');
  if (plain.includes(typeof value)) return [];
  return types.has(type) ? findTypeMisfits(types, type, value, at) : [`${at} is ${JSON.stringify(value)}, not ${type}`];
}
