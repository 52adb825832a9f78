// Ids that a vendor's API needs and we do not: the same input gives the same id, so nothing has to be stored.

import { createHash } from 'node:crypto';

/** A UUID (version 8) made from what it names. */
export function stableUuid(purpose: string, of: string): string {
  const hex = createHash('sha256').update(`${purpose}\n${of}`).digest('hex');
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
