// Removes secrets from texts of other services: a service often quotes the secret that it received.

const MASK = '***';

/** How a secret may occur in a text: as it is, escaped, or encoded as it may have been sent. */
function listForms(secret: string): string[] {
  const encoded = secret.isWellFormed() ? encodeURIComponent(secret) : secret;
  const form = new URLSearchParams({ '': secret }).toString().slice(1);
  return [secret, JSON.stringify(secret).slice(1, -1), encoded, form, Buffer.from(secret).toString('base64')];
}

export interface Redaction {
  /** Every text that is removed. */
  forms: readonly string[];
  clean(text: string): string;
}

export function makeRedaction(secrets: readonly string[]): Redaction {
  const values = secrets.filter((secret) => secret !== '');
  // The longest first, or a secret that begins another one would leave its end.
  const forms = [...new Set(values.flatMap(listForms))].sort((a, b) => b.length - a.length);
  return { forms, clean: (text) => forms.reduce((rest, form) => rest.replaceAll(form, MASK), text) };
}

/** The secret parts of a header's value: all of it, and what follows the name of a scheme. */
export const findHeaderSecrets = (value: string): string[] => [value, value.replace(/^\w+ +/, '')];
