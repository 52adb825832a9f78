// Signed links to files, valid for a limited time, for clients that pass on addresses.

import { constantTimeEqual } from '../access/constant-time.ts';
import { ApiError } from '../errors.ts';
import type { StoredFile } from '../ports/files.ts';
import type { Ports } from '../ports/ports.ts';

const signLink = ({ derive }: Ports['keyring'], { tenant, id }: Pick<StoredFile, 'tenant' | 'id'>, until: number) =>
  derive(`file-link/${tenant}/${id}/${until}`);

/** `until`: epoch milliseconds. */
export async function buildFileLink(
  { keyring }: Pick<Ports, 'keyring'>,
  file: StoredFile,
  { origin, until }: { origin: string; until: number },
): Promise<string> {
  const signature = await signLink(keyring, file, until);
  const query = new URLSearchParams({ tenant: file.tenant, until: String(until), signature });
  return `${origin}/v1/files/${file.id}/content?${query}`;
}

export async function resolveFileLink(
  { keyring, files, clock }: Pick<Ports, 'keyring' | 'files' | 'clock'>,
  link: { id: string; tenant: string; until: number; signature: string },
): Promise<StoredFile> {
  const isSigned = constantTimeEqual(link.signature, await signLink(keyring, link, link.until));
  const file = isSigned && link.until > clock.now() ? await files.get(link.tenant, link.id) : undefined;
  // The same error in all cases, so that nobody learns which files exist.
  if (!file) throw new ApiError('not-found', 'The address is not valid, or has expired');
  return file;
}
