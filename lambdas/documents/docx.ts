// The text of a Word document, with its headings, lists and tables; its pictures have none.

import mammoth from 'mammoth';
import type { DocumentText } from '../core/ports/runners.ts';
import { readHtml } from './html.ts';

export async function readDocx(bytes: Uint8Array): Promise<DocumentText> {
  const convertImage = mammoth.images.imgElement(async () => ({ src: '' }));
  const { value } = await mammoth.convertToHtml({ buffer: Buffer.from(bytes) }, { convertImage });
  return { text: readHtml(value) };
}
