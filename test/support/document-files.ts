// Makes PDF and DOCX files: as small as possible, or bombs that grow a thousandfold when they are read.

import { crc32, deflateRawSync, deflateSync, constants as zlib } from 'node:zlib';

/** One text per page, with newlines. */
export function makePdf(pages: readonly string[]): Buffer {
  return writePdf(pages.map((text) => deflateSync(Buffer.from(writePage(text), 'latin1'))));
}

/** A page whose content has that many megabytes. */
export function makePdfBomb(megabytes: number): Buffer {
  return writePdf([Buffer.concat([Buffer.from([0x78, 0x9c]), repeatDeflated(' '.repeat(1_024), megabytes)])]);
}

/** One line in a font that names its encoding, or, with `toUnicode`, in one with its own table. */
export function makeCjkPdf(font: { encoding: string; ordering: string; codes: string; toUnicode?: string }): Buffer {
  const { encoding, ordering, codes, toUnicode = '' } = font;
  const writeStream = (text: string) => `<< /Length ${text.length} >>\nstream\n${text}\nendstream`;
  const table = `begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange ${toUnicode} endcmap`;
  const own = toUnicode ? '/ToUnicode 7 0 R' : '';
  return writeObjects([
    '<< /Type /Pages /Kids [6 0 R] /Count 1 >>',
    `<< /Type /Font /Subtype /Type0 /BaseFont /Song /Encoding /${encoding} /DescendantFonts [3 0 R] ${own} >>`,
    `<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Song /FontDescriptor 4 0 R /CIDSystemInfo << /Registry (Adobe) /Ordering (${ordering}) /Supplement 4 >> >>`,
    '<< /Type /FontDescriptor /FontName /Song /Flags 6 /FontBBox [0 -200 1000 900] /ItalicAngle 0 /Ascent 800 /Descent -200 /StemV 80 >>',
    writeStream(`BT /F1 12 Tf 72 720 Td <${codes}> Tj ET`),
    '<< /Type /Page /Parent 1 0 R /MediaBox [0 0 612 792] /Contents 5 0 R /Resources << /Font << /F1 2 0 R >> >> >>',
    writeStream(table),
    '<< /Type /Catalog /Pages 1 0 R >>',
  ]);
}

const writePage = (text: string) =>
  `BT /F1 12 Tf 72 720 Td 16 TL\n${text
    .split('\n')
    .map((line) => `(${line.replace(/[\\()]/g, '\\$&')}) Tj T*`)
    .join('\n')}\nET`;

function writePdf(streams: readonly Buffer[]): Buffer {
  const pagesId = 2 + 2 * streams.length;
  const objects: (string | Buffer)[] = [
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
  ];
  for (const stream of streams) {
    const head = `<< /Length ${stream.length} /Filter /FlateDecode >>\nstream\n`;
    objects.push(Buffer.concat([Buffer.from(head), stream, Buffer.from('\nendstream')]));
    const resources = '/Resources << /Font << /F1 1 0 R >> >>';
    const content = `/Contents ${objects.length} 0 R ${resources}`;
    objects.push(`<< /Type /Page /Parent ${pagesId} 0 R /MediaBox [0 0 612 792] ${content} >>`);
  }
  const kids = streams.map((_, index) => `${3 + 2 * index} 0 R`);
  objects.push(`<< /Type /Pages /Kids [${kids.join(' ')}] /Count ${kids.length} >>`);
  objects.push(`<< /Type /Catalog /Pages ${pagesId} 0 R >>`);
  return writeObjects(objects);
}

function writeObjects(objects: readonly (string | Buffer)[]): Buffer {
  let file = Buffer.from('%PDF-1.4\n');
  const offsets: number[] = [];
  for (const [index, object] of objects.entries()) {
    offsets.push(file.length);
    file = Buffer.concat([file, Buffer.from(`${index + 1} 0 obj\n`), Buffer.from(object), Buffer.from('\nendobj\n')]);
  }
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const size = objects.length + 1;
  const end = `trailer\n<< /Size ${size} /Root ${objects.length} 0 R >>\nstartxref\n${file.length}\n%%EOF\n`;
  return Buffer.concat([file, Buffer.from(`xref\n0 ${size}\n0000000000 65535 f \n${entries}${end}`)]);
}

const WORD = 'http://schemas.openxmlformats.org/wordprocessingml/2006/main';
const MAIN_PART = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml';
const PARTS = {
  '[Content_Types].xml': `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="${MAIN_PART}"/></Types>`,
  '_rels/.rels':
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
};

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const paragraph = (text: string) => `<w:p><w:r><w:t xml:space="preserve">${escaped(text)}</w:t></w:r></w:p>`;
const table = (rows: readonly string[][]) =>
  `<w:tbl>${rows.map((row) => `<w:tr>${row.map((cell) => `<w:tc>${paragraph(cell)}</w:tc>`).join('')}</w:tr>`).join('')}</w:tbl>`;
const writeWord = (body: string) => `<w:document xmlns:w="${WORD}"><w:body>${body}</w:body></w:document>`;

/** Paragraphs, and lists of cells for tables. */
export function makeDocx(blocks: readonly (string | string[][])[]): Buffer {
  const body = blocks.map((block) => (typeof block === 'string' ? paragraph(block) : table(block))).join('');
  return makeZip({ ...PARTS, 'word/document.xml': writeWord(body) });
}

/** A document whose text has that many megabytes. */
export function makeDocxBomb(megabytes: number): Buffer {
  const part = repeatDeflated(paragraph('x'.repeat(1_000)), megabytes);
  return makeZip({ ...PARTS, 'word/document.xml': part });
}

/** Deflated data that repeats the text. */
function repeatDeflated(text: string, megabytes: number): Buffer {
  const block = Buffer.from(text.repeat(Math.ceil(1_048_576 / text.length)));
  const piece = deflateRawSync(block, { finishFlush: zlib.Z_FULL_FLUSH });
  return Buffer.concat([...Array.from({ length: megabytes }, () => piece), deflateRawSync('')]);
}

/** A Buffer must hold deflated data already. */
export function makeZip(parts: Record<string, string | Buffer>): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, part] of Object.entries(parts)) {
    const data = typeof part === 'string' ? deflateRawSync(part) : part;
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(8, 4);
    if (typeof part === 'string') fields.writeUInt32LE(crc32(part), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(typeof part === 'string' ? Buffer.byteLength(part) : 1_000, 18);
    fields.writeUInt16LE(name.length, 22);
    const file = Buffer.concat([Buffer.from('PK\u0003\u0004'), fields, Buffer.from(name), data]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\u0001\u0002\u0014\0'), fields, place, Buffer.from(name));
    files.push(file);
    offset += file.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, central, end]);
}
