// Takes secrets out of texts that others have written: whoever is told one likes to quote it.

const MASK = '***';

/** How a secret may stand in a text: as it is, escaped, or encoded as it may have been sent. */
function listForms(secret: string): string[] {
  const encoded = secret.isWellFormed() ? encodeURIComponent(secret) : secret;
  const form = new URLSearchParams({ '': secret }).toString().slice(1);
  return [secret, JSON.stringify(secret).slice(1, -1), encoded, form, Buffer.from(secret).toString('base64')];
}

export interface Redaction {
  /** Every text that is taken out. */
  forms: readonly string[];
  clean(text: string): string;
}

export function makeRedaction(secrets: readonly string[]): Redaction {
  const given = secrets.filter((secret) => secret !== '');
  // The longest first, or a secret that begins another one would leave its end.
  const forms = [...new Set(given.flatMap(listForms))].sort((a, b) => b.length - a.length);
  return { forms, clean: (text) => forms.reduce((rest, form) => rest.replaceAll(form, MASK), text) };
}

/** What of a header's value is secret: all of it, and what stands behind the name of a scheme. */
export const findHeaderSecrets = (value: string): string[] => [value, value.replace(/^\w+ +/, '')];
