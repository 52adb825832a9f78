// The document node: files as a flow gives them, read by the real libraries in their own process.

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '../../lambdas/core/json.ts';
import { DOCUMENT } from '../../lambdas/core/nodes/document/document.ts';
import { makeDocuments } from '../../lambdas/documents/process.ts';
import { makeCjkPdf, makeDocx, makeDocxBomb, makePdf, makePdfBomb, makeZip } from '../support/document-files.ts';
import { startHttpServer } from '../support/http-server.ts';
import { files, NOW, nodeContext } from '../support/node-context.ts';

const sources = { folder: join(import.meta.dirname, '../../lambdas'), extension: '.ts' };
const documents = makeDocuments(sources);

function read(file: Json, input: JsonObject = {}, reader = documents) {
  const context = nodeContext();
  context.ports.documents = reader;
  return DOCUMENT.run(context, { file, ...input });
}
const dataUrl = (bytes: Buffer | string, type = '') => `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
const readBytes = (bytes: Buffer | string, type = '', input: JsonObject = {}) => read(dataUrl(bytes, type), input);
const readText = async (bytes: Buffer | string, type = '') =>
  ((await readBytes(bytes, type)) as { result?: { text?: string } }).result?.text;
const unreadable = (reason: string) => ({
  kind: 'failed',
  code: 'node-failed',
  retryable: false,
  message: expect.stringContaining(`The document cannot be read: ${reason}`),
});

describe('a document node reads', () => {
  test('the pages of a PDF', async () => {
    expect(await readBytes(makePdf(['Invoice (copy)\nTotal: 12', 'Page two']))).toEqual({
      kind: 'done',
      result: { text: 'Invoice (copy)\nTotal: 12\n\nPage two', pages: 2, format: 'pdf' },
    });
  });

  test.each([
    [{ encoding: 'UniGB-UCS2-H', ordering: 'GB1', codes: '4F60597D0041' }, '你好A'],
    [{ encoding: 'GBK-EUC-H', ordering: 'GB1', codes: '41C4E3BAC3' }, 'A你好'],
    [{ encoding: 'ETen-B5-H', ordering: 'CNS1', codes: 'A741A66E' }, '你好'],
    [{ encoding: '90ms-RKSJ-H', ordering: 'Japan1', codes: '82A0B141' }, 'あｱA'],
    [{ encoding: 'EUC-H', ordering: 'Japan1', codes: 'A4A2' }, 'あ'],
    [{ encoding: 'KSCms-UHC-H', ordering: 'Korea1', codes: 'B0A1' }, '가'],
    [
      { encoding: 'Identity-H', ordering: 'GB1', codes: '0123', toUnicode: '1 beginbfchar <0123> <4F60> endbfchar' },
      '你',
    ],
  ])('a PDF whose characters are encoded by %j', async (font, text) => {
    expect(await readText(makeCjkPdf(font))).toBe(text);
  });

  test('a PDF that begins with other bytes', async () => {
    const bytes = Buffer.concat([Buffer.from('\n\u0007rubbish\n'), makePdf(['Hi'])]);
    expect(await readText(bytes, 'application/pdf')).toBe('Hi');
  });

  test('the paragraphs and tables of a Word document', async () => {
    const table = [
      ['Name', 'Age'],
      ['Ada', '36'],
    ];
    expect(await readText(makeDocx(['Minutes & more', table, 'The end']))).toBe(
      'Minutes & more\n\nName | Age\nAda | 36\n\nThe end',
    );
  });

  test('what a reader sees of HTML', async () => {
    const html =
      '<!doctype html><head><style>p{}</style></head><nav>Home</nav><h1>Fees</h1><p>From  <a href="/x">May</a> &ndash; €5</p><ul><li>one<li>two</ul><script>no()</script>';
    expect(await readText(html)).toBe('Fees\n\nFrom May – €5\n\n * one\n * two');
  });

  test.each([
    ['a,b\n1,"x, y"\n', [{ a: '1', b: 'x, y' }]],
    [
      '\uFEFFa;b;a\r\n1;2;3\r\n\r\n4\r\n',
      [
        { a: '1', b: '2', column3: '3' },
        { a: '4', b: null, column3: null },
      ],
    ],
    ['name\t__proto__\t\nAda\t1\t2', [{ name: 'Ada', column2: '1', column3: '2' }]],
    ['', []],
  ])('the rows of the CSV %j, whatever separates them', async (csv, rows) => {
    expect(await readBytes(csv, 'text/csv', { as: 'rows' })).toEqual({ kind: 'done', result: { rows, format: 'csv' } });
  });

  test.each([
    ['text/csv', 'a,b\n1,2', 'csv'],
    ['text/markdown', '# Title\n\n- item', 'text'],
    ['application/json', '{"a": 1}', 'text'],
    ['', 'plain', 'text'],
    ['text/markdown', 'A PDF begins with %PDF-1.7', 'text'],
  ])('%s as plain text', async (type, text, format) => {
    expect(await readBytes(text, type)).toEqual({ kind: 'done', result: { text, format } });
  });

  test.each([
    ['its media type', Buffer.from([0xc4, 0xe3, 0xba, 0xc3]), 'text/plain;charset=gb2312', '你好'],
    ['its first bytes', Buffer.from('\uFEFFhé', 'utf16le'), 'text/plain', 'hé'],
    ['its own words', Buffer.from('<meta charset="windows-1252"><p>caf\xe9', 'latin1'), 'text/html', 'café'],
    ['nothing', Buffer.from('café'), 'text/plain;charset=no-such', 'café'],
  ])('text in the charset declared by %s', async (_, bytes, type, text) => {
    expect(await readText(bytes, type)).toBe(text);
  });

  test('a file by its name, or by its bytes, where the server does not say what it is', async () => {
    await using server = await startHttpServer(({ url = '' }, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' });
      response.end(url.endsWith('.pdf') ? makePdf(['Hi']) : '<p>Hi');
    });
    const results = await Promise.all([
      read({ url: `${server.origin}/a.pdf` }),
      read(`${server.origin}/page.html`),
      read({ url: `${server.origin}/page`, name: 'page.html', size: 5 }),
      read({ url: `${server.origin}/page`, type: 'text/html' }),
    ]);
    const html = { text: 'Hi', format: 'html' };
    expect(results.map((outcome) => 'result' in outcome && outcome.result)).toEqual([
      { text: 'Hi', pages: 1, format: 'pdf', name: 'a.pdf' },
      { ...html, name: 'page.html' },
      { ...html, name: 'page.html' },
      { ...html, name: 'page' },
    ]);
  });
});

test('a document node reads an upload of its tenant', async () => {
  const bytes = makePdf(['Uploaded']);
  const stored = {
    id: 'f1',
    tenant: 'acme',
    name: 'u.pdf',
    type: 'application/pdf',
    size: bytes.length,
    createdAt: NOW,
  };
  await files.add(stored);
  await files.write(stored, bytes);
  const result = { text: 'Uploaded', pages: 1, format: 'pdf', name: 'u.pdf' };
  expect(await read({ id: 'f1' })).toEqual({ kind: 'done', result });
});

describe('a document node fails', () => {
  test.each([
    ['a Word document that inflates to a gigabyte', makeDocxBomb(1_000), 'reading it took more than 256 MB'],
    ['a PDF that inflates to a gigabyte', makePdfBomb(1_000), 'reading it took more than 256 MB'],
    [
      'a PDF with an unknown character encoding',
      makeCjkPdf({ encoding: 'Identity-H', ordering: 'GB1', codes: '0123' }),
      'its characters need the table Adobe-GB1-UCS2',
    ],
    ['a damaged PDF', '%PDF-1.4 nonsense', 'it is damaged'],
    ['a truncated Word document', makeDocx(['a'.repeat(9_000)]).subarray(0, 500), 'it is damaged'],
    [
      'another Office file',
      makeZip({ 'xl/workbook.xml': '<x/>' }),
      'it is an archive or an Office file other than .docx',
    ],
    ['an old Office file', Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'it is an old Office file'],
    ['a picture', Buffer.from('89504e470d0a1a0a0000000d', 'hex'), 'it is not a PDF, DOCX, HTML'],
    ['a text that is too long', 'x'.repeat(2_100_000), 'its text has more than 2097152 characters'],
  ])('on %s, and says why', async (_, bytes, reason) => {
    expect(await readBytes(bytes)).toMatchObject(unreadable(reason));
  });

  test.each([
    ['tables in tables', '<table><tr><td>'.repeat(300_000)],
    ['many elements', '<p>x</p>'.repeat(1_200_000)],
  ])('on HTML of %s, within its bounds', async (_, html) => {
    const reader = makeDocuments({ ...sources, bounds: { memoryMb: 128, timeoutMs: 3_000 } });
    expect(await read(dataUrl(html, 'text/html'), {}, reader)).toMatchObject(unreadable('reading it took'));
  });

  test('on rows that are asked of anything but a CSV', async () => {
    expect(await readBytes('x', 'text/plain', { as: 'rows' })).toMatchObject(unreadable('only a CSV has rows'));
  });

  test('on what is not a file, and on a file that is too large', async () => {
    await using server = await startHttpServer((_, response) => response.end(Buffer.alloc(11_000_000)));
    await expect(read(7)).rejects.toThrow('There is no file');
    await expect(read(`${server.origin}/huge`)).rejects.toThrow('more than 10485760 bytes');
    expect(await DOCUMENT.run(nodeContext(), { file: null })).toMatchObject({ kind: 'failed' });
    const list = expect.stringContaining('take its items with `each`');
    expect(await read([{ url: server.origin }])).toMatchObject({ kind: 'failed', message: list });
  });
});

test('documents are read one at a time, and nobody waits for one that is no longer wanted', async () => {
  const reader = makeDocuments({ ...sources, bounds: { memoryMb: 256, timeoutMs: 60_000 } });
  const slow = Buffer.from('<div>'.repeat(1_000_000));
  const gone = new AbortController();
  const job = (bytes: Buffer) => ({ bytes, format: 'html' as const, charset: 'utf-8' });
  const first = reader.read(job(slow), gone.signal);
  const second = reader.read(job(slow), gone.signal);
  const third = reader.read(job(Buffer.from('<p>third')));
  setTimeout(() => gone.abort(), 300);
  const aborted = { kind: 'failed', message: 'it was not waited for', retryable: true };
  expect(await Promise.all([first, second, third])).toEqual([aborted, aborted, { kind: 'read', text: 'third' }]);
});
