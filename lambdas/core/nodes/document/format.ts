// What a file is, by its first bytes, by what it says, and by its name, in this order.

import type { OpenFile } from '../../ports/files.ts';
import type { DocumentFormat } from '../../ports/runners.ts';

export type Detected = { format: DocumentFormat | 'text'; charset: string } | { unknown: string };

const TYPES: Record<string, DocumentFormat | 'text'> = {
  'application/pdf': 'pdf',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  'text/html': 'html',
  'application/xhtml+xml': 'html',
  'text/csv': 'csv',
  'application/csv': 'csv',
  'text/tab-separated-values': 'csv',
};

const EXTENSIONS: Record<string, DocumentFormat | 'text'> = {
  pdf: 'pdf',
  docx: 'docx',
  html: 'html',
  htm: 'html',
  xhtml: 'html',
  csv: 'csv',
  tsv: 'csv',
};

const ZIP = 'PK\u0003\u0004';
const OLE = '\u00d0\u00cf\u0011\u00e0';
const HEAD_BYTES = 1_024;

export function detect({ bytes, name, type, charset: said }: OpenFile): Detected {
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString('latin1');
  const charset = charsetOf(bytes, { said, head });
  if (isPdf({ name, type, head })) return { format: 'pdf', charset };
  if (head.startsWith(ZIP)) return zipped(bytes, charset);
  if (head.startsWith(OLE)) return { unknown: 'it is an old Office file: save it as .docx or .pdf' };
  if (charset !== 'utf-16le' && charset !== 'utf-16be' && head.includes('\0')) {
    return { unknown: 'it is none of PDF, DOCX, HTML, CSV, Markdown and text' };
  }
  return { format: textual({ name, type, head }), charset };
}

/** Some begin with rubbish, but a text may well speak of PDF. */
function isPdf({ name, type, head }: { name: string; type: string; head: string }): boolean {
  const isClaimed = type.toLowerCase().startsWith('application/pdf') || name.toLowerCase().endsWith('.pdf');
  return isClaimed ? head.includes('%PDF-') : head.trimStart().startsWith('%PDF-');
}

/** A DOCX is a ZIP with a Word document in it; the names of its entries stand uncompressed in it. */
function zipped(bytes: Uint8Array, charset: string): Detected {
  const isWord = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('word/document');
  return isWord ? { format: 'docx', charset } : { unknown: 'it is an archive or an Office file other than .docx' };
}

/** Bytes that are no PDF and no ZIP are text, whatever they claim to be. */
function textual({ name, type, head }: { name: string; type: string; head: string }): DocumentFormat | 'text' {
  const mediaType = (type.split(';')[0] ?? '').trim().toLowerCase();
  const extension = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  const isHtml = /^\s*(?:<!doctype html|<html)\b/i.test(head.replace(/^\u00ef\u00bb\u00bf/, ''));
  const claimed = TYPES[mediaType] ?? EXTENSIONS[extension] ?? (isHtml ? 'html' : 'text');
  return claimed === 'html' || claimed === 'csv' ? claimed : 'text';
}

function charsetOf(bytes: Uint8Array, { said, head }: { said: string | undefined; head: string }): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const label = said ?? /charset\s*=\s*["']?([\w-]{1,40})/i.exec(head)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return 'utf-8';
  }
}
