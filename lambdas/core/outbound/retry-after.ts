// Parses the header `Retry-After`. The callers decide how far they follow it.

/** Seconds that the header asks for, as a number or an HTTP date; undefined where it says neither. */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text);
  // Only the forms of https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7 : Date.parse would also take '2' or 'May'.
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - now) / 1_000));
}
