// Files that runs work on: uploaded beforehand, or named by their address. A run gets references only; a node that needs
// the bytes opens them.

import { ApiError, type ErrorDetail } from '../errors.ts';
import type { InputSpec } from '../flow/plan.ts';
import type { Json, JsonObject } from '../json.ts';
import { type OpenFile, type StoredFile, UnopenedFile } from '../ports/files.ts';
import { HttpFault } from '../ports/http.ts';
import type { Ports } from '../ports/ports.ts';

type FilePorts = Pick<Ports, 'files' | 'clock' | 'ids'>;

export interface NewFile {
  name: string;
  type: string;
  size: number;
}

/** Records a file whose bytes its owner uploads to the address. */
export async function announceFile(
  ports: FilePorts,
  tenant: string,
  asked: NewFile,
): Promise<{ file: StoredFile; upload: { url: string; headers: Record<string, string> } }> {
  const file = makeFile(ports, tenant, asked);
  const upload = await ports.files.uploadUrl(file);
  await ports.files.add(file);
  return { file, upload };
}

/** Stores a file whose bytes are present. */
export async function keepFile(
  ports: FilePorts,
  tenant: string,
  { bytes, ...asked }: Omit<NewFile, 'size'> & { bytes: Uint8Array },
): Promise<StoredFile> {
  const file = makeFile(ports, tenant, { ...asked, size: bytes.length });
  await ports.files.write(file, bytes);
  await ports.files.add(file);
  return file;
}

function makeFile({ clock, ids }: FilePorts, tenant: string, { name, type, size }: NewFile): StoredFile {
  const now = clock.now();
  return { id: ids.run(now), tenant, name, type, size, createdAt: now };
}

export async function requireFile({ files }: Pick<Ports, 'files'>, tenant: string, id: string): Promise<StoredFile> {
  const file = await files.get(tenant, id);
  if (!file) throw new ApiError('not-found', `There is no file '${id.slice(0, 64)}'`);
  return file;
}

/** How a run's inputs show an upload. */
export const toReference = ({ id, name, type, size }: StoredFile): JsonObject => ({ id, name, type, size });

/**
 * The inputs, with every `{id}` of an upload completed by its name, type and size, so that the limits of the input are
 * checked against the file itself; and with a plain address made a file. Throws ApiError('invalid-inputs').
 */
export async function withUploads(
  { files }: Pick<Ports, 'files'>,
  at: { tenant: string; specs: Record<string, InputSpec> },
  inputs: unknown,
): Promise<unknown> {
  if (typeof inputs !== 'object' || inputs === null || Array.isArray(inputs)) return inputs;
  const details: ErrorDetail[] = [];
  const completed: JsonObject = { ...(inputs as JsonObject) };
  for (const [name, value] of Object.entries(completed)) {
    const spec = at.specs[name] ?? Object.values(at.specs).find(({ alias = [] }) => alias.includes(name));
    if (spec?.type !== 'file' && spec?.type !== 'files') continue;
    completed[name] = await completeFiles(value, async (id) => {
      const file = await files.get(at.tenant, id);
      if (file && (await files.isUploaded(file))) return toReference(file);
      const message = file
        ? `names the file '${id}', which was never uploaded`
        : `names a file that does not exist: '${id}'`;
      details.push({ field: `inputs.${name}`, message });
      return { id };
    });
  }
  const [first] = details;
  if (first) throw new ApiError('invalid-inputs', `${first.field} ${first.message}`, { details });
  return completed;
}

async function completeFiles(value: Json, complete: (id: string) => Promise<JsonObject>): Promise<Json> {
  if (Array.isArray(value)) return Promise.all(value.map((item) => completeFiles(item, complete)));
  if (typeof value === 'string' && /^https?:/.test(value)) return { url: value };
  if (typeof value !== 'object' || value === null) return value;
  const { id } = value;
  return typeof id === 'string' ? complete(id.slice(0, 64)) : value;
}

export interface Opening {
  tenant: string;
  maxBytes: number;
  timeoutMs: number;
  signal?: AbortSignal;
}

const DATA_URL = /^data:([\w.+/-]*)((?:;[\w.+=-]+)*?)(;base64)?,/;
const CHARSET = /;\s*charset="?([\w.:-]+)/i;

/**
 * The bytes of `{id}` of an upload of the tenant, of `{url}` (http, https or data), or of the address itself.
 * Throws UnopenedFile, and ApiError('unsafe-url') for an address that may not be called.
 */
export async function openFile(ports: Pick<Ports, 'files' | 'http'>, ref: Json, how: Opening): Promise<OpenFile> {
  const file = typeof ref === 'string' ? { url: ref } : ref;
  if (typeof file !== 'object' || file === null || Array.isArray(file)) throw new UnopenedFile('There is no file');
  const { id, url, name, type } = file as Record<string, unknown>;
  const declared = { name: typeof name === 'string' ? name : '', type: typeof type === 'string' ? type : '' };
  if (typeof id === 'string') return openUpload(ports, id, how);
  if (typeof url !== 'string') throw new UnopenedFile('A file is {"url": ...} or {"id": ...} of an upload');
  return url.startsWith('data:') ? openData(url, declared, how) : openAddress(ports, { url, ...declared }, how);
}

async function openUpload({ files }: Pick<Ports, 'files'>, id: string, how: Opening): Promise<OpenFile> {
  const file = await files.get(how.tenant, id);
  if (!file) throw new UnopenedFile(`There is no file '${id.slice(0, 64)}'`);
  if (file.size > how.maxBytes) refuseSize(file.name, how);
  const bytes = await files.read(file);
  if (!bytes) throw new UnopenedFile(`The file '${file.name}' was never uploaded, or has expired`);
  if (bytes.length > how.maxBytes) refuseSize(file.name, how);
  return { bytes, name: file.name, type: file.type };
}

function openData(url: string, declared: { name: string; type: string }, how: Opening): OpenFile {
  const [head, type = '', parameters = '', encoding] = DATA_URL.exec(url.slice(0, 512)) ?? [];
  if (head === undefined) throw new UnopenedFile('The data: address cannot be read');
  const text = url.slice(head.length);
  const bytes = encoding ? Buffer.from(text, 'base64') : Buffer.from(decodePercent(text));
  if (bytes.length > how.maxBytes) refuseSize(declared.name || 'The data: address', how);
  return { bytes, name: declared.name, type: declared.type || type || 'text/plain', ...readCharset(parameters) };
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UnopenedFile('The data: address is not percent-encoded');
  }
}

async function openAddress(
  { http }: Pick<Ports, 'http'>,
  file: { url: string; name: string; type: string },
  { maxBytes, timeoutMs, signal }: Opening,
): Promise<OpenFile> {
  const request = { url: file.url, method: 'GET', timeoutMs, maxBytes, redirects: 5, signal };
  const answer = await http.send(request).catch((error: unknown) => {
    throw error instanceof HttpFault ? new UnopenedFile(error.message, true) : error;
  });
  const where = `GET ${URL.parse(file.url)?.origin ?? ''}`;
  if (answer.status < 200 || answer.status > 299) {
    throw new UnopenedFile(`${where} answered ${answer.status}`, answer.status >= 500 || answer.status === 429);
  }
  if (answer.truncated) throw new UnopenedFile(`${where} answered with more than ${maxBytes} bytes`);
  const contentType = answer.headers['content-type'] ?? '';
  const type = file.type || contentType.replace(/;.*$/s, '').trim();
  const name = file.name || (URL.parse(file.url)?.pathname.split('/').at(-1) ?? '');
  return { bytes: answer.body, name, type, ...readCharset(contentType) };
}

function readCharset(parameters: string): { charset?: string } {
  const [, charset] = CHARSET.exec(parameters) ?? [];
  return charset === undefined ? {} : { charset };
}

function refuseSize(name: string, { maxBytes }: Opening): never {
  throw new UnopenedFile(`The file '${name}' has more than ${maxBytes} bytes`);
}
