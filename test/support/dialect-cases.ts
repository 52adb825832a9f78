// Case files of the dialects: requests as a vendor's client sends them, and the answers that it must get.
// test/fixtures/dialects/<vendor>/*.json; `CaseFile` is their form, docs/dialects.md says which are left out and why.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../fixtures/dialects');

export interface CaseFile {
  /** What the vendor does: "<vendor> …". */
  title: string;
  /** Body of `POST /v1/keys`; the dialect is the folder's. */
  key?: { flow?: string; ids?: Record<string, string> };
  steps: CaseStep[];
}

export interface CaseStep {
  request: {
    method: string;
    path: string;
    headers?: Record<string, string>;
    /** JSON, or text where it is a string. */
    body?: unknown;
    /** How the vendor's client proves who it is; `none` leaves it out. */
    auth?: 'default' | 'none' | string;
  };
  /** Repeats the request until the answer fits, for what takes a while. */
  until?: boolean;
  answer: {
    status: number;
    headers?: Record<string, string>;
    body?: unknown;
    /** Of a stream: the text of every event in order, without its blank line; without pings. */
    frames?: unknown[];
  };
  /** Names for parts of the answer: `{"run": "data.id"}` makes `{{run}}` of later steps; `frames.0.id` reads an event. */
  keep?: Record<string, string>;
}

export async function readCaseFiles(): Promise<{ vendor: string; file: string; test: CaseFile }[]> {
  const folders = (await readdir(FOLDER, { withFileTypes: true })).filter(
    (it) => it.isDirectory() && it.name !== 'flows',
  );
  const found = await Promise.all(
    folders.map(async ({ name: vendor }) => {
      const files = (await readdir(join(FOLDER, vendor))).filter((file) => file.endsWith('.json')).sort();
      return Promise.all(
        files.map(async (file) => {
          const text = await readFile(join(FOLDER, vendor, file), 'utf8');
          return { vendor, file, test: JSON.parse(text) as CaseFile };
        }),
      );
    }),
  );
  return found.flat();
}

/** Sources of the flows that cases run, by name. */
export async function readCaseFlows(): Promise<Record<string, string>> {
  const files = (await readdir(join(FOLDER, 'flows'))).filter((file) => file.endsWith('.yaml'));
  const entries = files.map(async (file) => [
    file.replace('.yaml', ''),
    await readFile(join(FOLDER, 'flows', file), 'utf8'),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

/** `{{name}}` of earlier answers and of the key's credentials. */
export function fillIn<Value>(value: Value, kept: Record<string, unknown>): Value {
  const whole = (text: string): unknown => {
    const [, only] = /^\{\{(\w+)\}\}$/.exec(text) ?? [];
    if (only !== undefined) return known(only);
    return text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => String(known(name)));
  };
  const known = (name: string): unknown => {
    if (name in kept) return kept[name];
    throw new Error(`No earlier step keeps '${name}' (kept: ${Object.keys(kept).join(', ')})`);
  };
  if (typeof value === 'string') return whole(value) as Value;
  if (Array.isArray(value)) return value.map((it) => fillIn(it, kept)) as Value;
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, fillIn(it, kept)])) as Value;
}

const KINDS: Record<string, (value: unknown) => boolean> = {
  '<any>': () => true,
  '<string>': (value) => typeof value === 'string' && value !== '',
  '<number>': (value) => typeof value === 'number',
  '<uuid>': (value) => typeof value === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value),
  '<seconds>': (value) => Number.isInteger(value) && Math.abs(Number(value) - Date.now() / 1_000) < 86_400,
  '<millis>': (value) => Number.isInteger(value) && Math.abs(Number(value) - Date.now()) < 86_400_000,
  '<millis text>': (value) => typeof value === 'string' && /^\d{13}$/.test(value),
};

/**
 * What is wrong with `actual`, one message each; none where it fits. Objects must have exactly the expected fields, unless
 * `"...": true` allows others; strings such as `<uuid>` stand for a kind of value, `{"<json>": …}` for JSON in a text.
 */
export function findMisfits(actual: unknown, expected: unknown, at = '$'): string[] {
  if (typeof expected === 'string' && KINDS[expected]) {
    return KINDS[expected](actual) ? [] : [`${at} is ${JSON.stringify(actual)}, not ${expected}`];
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual)) return [`${at} is ${JSON.stringify(actual)}, not a list`];
    const length =
      actual.length === expected.length ? [] : [`${at} has ${actual.length} entries, not ${expected.length}`];
    return [...length, ...expected.flatMap((it, index) => findMisfits(actual[index], it, `${at}[${index}]`))];
  }
  if (expected !== null && typeof expected === 'object') return findObjectMisfits(actual, expected, at);
  return Object.is(actual, expected) ? [] : [`${at} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`];
}

function findObjectMisfits(actual: unknown, expected: object, at: string): string[] {
  if ('<json>' in expected) return findMisfits(JSON.parse(String(actual)), expected['<json>'], `${at} as JSON`);
  if (actual === null || typeof actual !== 'object' || Array.isArray(actual)) {
    return [`${at} is ${JSON.stringify(actual)}, not an object`];
  }
  const { '...': isOpen, ...fields } = expected as Record<string, unknown>;
  const found = actual as Record<string, unknown>;
  const extra = isOpen ? [] : Object.keys(found).filter((key) => !(key in fields));
  return [
    ...extra.map((key) => `${at}.${key} is there (${JSON.stringify(found[key])}) and should not be`),
    ...Object.entries(fields).flatMap(([key, it]) => findMisfits(found[key], it, `${at}.${key}`)),
  ];
}
