// The template's secrets: made once, kept beside the rest of the state, readable only by the user who runs Errand.

import { randomInt } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { GenerateSecret, SecretSpec } from '../blueprint/storage.ts';

export interface Secret {
  arn: string;
  name: string;
  text: string;
}

/** `file` keeps the values; without it they end with the runtime. */
export async function openSecrets(specs: SecretSpec[], file: string | null): Promise<Secret[]> {
  const kept = file ? await readKept(file) : {};
  const secrets = specs.map(({ name, arn, value }) => ({
    name,
    arn,
    text: typeof value === 'string' ? value : (kept[name] ?? generate(value)),
  }));
  if (file) await keep(file, { ...kept, ...Object.fromEntries(secrets.map(({ name, text }) => [name, text])) });
  return secrets;
}

async function readKept(file: string): Promise<Record<string, string>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '{}';
    throw error;
  });
  return JSON.parse(text) as Record<string, string>;
}

// Whatever the secrets protect is lost without them, so a kill in the middle must not leave half a file.
async function keep(file: string, values: Record<string, string>): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(values), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

const ALPHABETS = {
  ExcludeLowercase: 'abcdefghijklmnopqrstuvwxyz',
  ExcludeUppercase: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
  ExcludeNumbers: '0123456789',
  ExcludePunctuation: '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
} as const;

/** As CloudFormation's GenerateSecretString. */
export function generate(how: GenerateSecret): string {
  const password = generatePassword(how);
  if (how.SecretStringTemplate === undefined || how.GenerateStringKey === undefined) return password;
  return JSON.stringify({ ...JSON.parse(how.SecretStringTemplate), [how.GenerateStringKey]: password });
}

function generatePassword(how: GenerateSecret): string {
  const allowed = (alphabet: string) => [...alphabet].filter((char) => !how.ExcludeCharacters.includes(char));
  const included = Object.entries(ALPHABETS)
    .filter(([exclude]) => !how[exclude as keyof typeof ALPHABETS])
    .map(([, alphabet]) => allowed(alphabet))
    .filter((alphabet) => alphabet.length > 0);
  const all = [...included.flat(), ...(how.IncludeSpace ? allowed(' ') : [])];
  if (all.length === 0) throw new Error('A secret cannot be generated: every character is excluded');
  for (;;) {
    const password = Array.from({ length: how.PasswordLength }, () => all[randomInt(all.length)]);
    const isMixed = included.every((alphabet) => password.some((char) => char && alphabet.includes(char)));
    if (isMixed || !how.RequireEachIncludedType || how.PasswordLength < included.length) return password.join('');
  }
}
