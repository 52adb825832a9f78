// The text of a PDF, page by page. A picture of text, as in a scan, has none.

import { getDocumentProxy } from 'unpdf';
import { MAX_DOCUMENT_PAGES } from '../core/limits.ts';
import type { DocumentText } from '../core/ports/runners.ts';
import { makeCMaps } from './cmaps.ts';
import { requireLength, tidy, Unreadable } from './text.ts';

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

export async function readPdf(bytes: Uint8Array): Promise<DocumentText> {
  const cmaps = makeCMaps();
  const pdf = await open(bytes, cmaps.options);
  if (pdf.numPages > MAX_DOCUMENT_PAGES) {
    throw new Unreadable(`it has ${pdf.numPages} pages, more than ${MAX_DOCUMENT_PAGES}`);
  }
  const pages: string[] = [];
  let chars = 0;
  for (let number = 1; number <= pdf.numPages; number++) {
    const text = await readPage(pdf, number);
    chars += text.length;
    requireLength(chars);
    pages.push(text);
  }
  const [missing] = cmaps.missing;
  if (missing !== undefined)
    throw new Unreadable(`its characters need the table ${missing}, which is not available here`);
  return { text: tidy(pages.join('\n\n')), pages: pdf.numPages };
}

async function open(bytes: Uint8Array, options: ReturnType<typeof makeCMaps>['options']): Promise<Pdf> {
  try {
    return await getDocumentProxy(bytes, { ...options, verbosity: 0 });
  } catch (error) {
    if ((error as Error).name === 'PasswordException') throw new Unreadable('it is locked with a password');
    throw error;
  }
}

async function readPage(pdf: Pdf, number: number): Promise<string> {
  const page = await pdf.getPage(number);
  const { items } = await page.getTextContent();
  page.cleanup();
  return items.map((item) => ('str' in item ? `${item.str}${item.hasEOL ? '\n' : ''}` : '')).join('');
}
