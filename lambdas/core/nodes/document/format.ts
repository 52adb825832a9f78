// Detects the format of a file by its first bytes, its media type and its name, in this order.

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

export function detectFormat({ bytes, name, type, charset: declared }: OpenFile): Detected {
  const head = Buffer.from(bytes.subarray(0, HEAD_BYTES)).toString('latin1');
  const charset = detectCharset(bytes, { declared, head });
  if (isPdf({ name, type, head })) return { format: 'pdf', charset };
  if (head.startsWith(ZIP)) return detectZip(bytes, charset);
  if (head.startsWith(OLE)) return { unknown: 'it is an old Office file: save it as .docx or .pdf' };
  if (charset !== 'utf-16le' && charset !== 'utf-16be' && head.includes('\0')) {
    return { unknown: 'it is not a PDF, DOCX, HTML, CSV, Markdown or text file' };
  }
  return { format: detectText({ name, type, head }), charset };
}

/** Some PDF files begin with other bytes; but the word PDF in a text does not make it a PDF. */
function isPdf({ name, type, head }: { name: string; type: string; head: string }): boolean {
  const isClaimed = type.toLowerCase().startsWith('application/pdf') || name.toLowerCase().endsWith('.pdf');
  return isClaimed ? head.includes('%PDF-') : head.trimStart().startsWith('%PDF-');
}

/** A DOCX is a ZIP with a Word document in it; names of entries are not compressed. */
function detectZip(bytes: Uint8Array, charset: string): Detected {
  const isWord = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('word/document');
  return isWord ? { format: 'docx', charset } : { unknown: 'it is an archive or an Office file other than .docx' };
}

/** Bytes that are neither PDF nor ZIP are text, whatever the media type says. */
function detectText({ name, type, head }: { name: string; type: string; head: string }): DocumentFormat | 'text' {
  const mediaType = (type.split(';')[0] ?? '').trim().toLowerCase();
  const extension = /\.(\w+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  const isHtml = /^\s*(?:<!doctype html|<html)\b/i.test(head.replace(/^\u00ef\u00bb\u00bf/, ''));
  const claimed = TYPES[mediaType] ?? EXTENSIONS[extension] ?? (isHtml ? 'html' : 'text');
  return claimed === 'html' || claimed === 'csv' ? claimed : 'text';
}

function detectCharset(bytes: Uint8Array, { declared, head }: { declared: string | undefined; head: string }): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  const label = declared ?? /charset\s*=\s*["']?([\w-]{1,40})/i.exec(head)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(label).encoding;
  } catch {
    return 'utf-8';
  }
}
