// How the text of each format is read. Each library is loaded only in the process that needs it.

import type { DocumentFormat, DocumentJob, DocumentText } from '../core/ports/runners.ts';

type Read = (job: DocumentJob) => Promise<DocumentText>;

export const FORMATS: Record<DocumentFormat, Read> = {
  pdf: async ({ bytes }) => (await import('./pdf.ts')).readPdf(bytes),
  docx: async ({ bytes }) => (await import('./docx.ts')).readDocx(bytes),
  html: async (job) => ({ text: (await import('./html.ts')).readHtml(decode(job)) }),
  csv: async (job) => (await import('./csv.ts')).readCsv(decode(job)),
};

const decode = ({ bytes, charset }: DocumentJob): string => new TextDecoder(charset).decode(bytes);
