// What the codes of Chinese, Japanese and Korean fonts mean where a PDF only names the table and does not contain it:
// Adobe's tables are larger than the rest of the platform. Every TextDecoder knows these encodings, so a table is made
// from it whose glyphs are numbered like Unicode. It would draw wrong glyphs, but the text is right.
// https://opensource.adobe.com/dc-acrobat-sdk-docs/pdfstandards/PDF32000_2008.pdf (9.7.5.2, predefined CMaps)

interface Encoding {
  names: RegExp;
  label: string;
  /** Which bytes belong together, in the form of CMaps. */
  codes: string[];
}

const ENCODINGS: readonly Encoding[] = [
  { names: /^GB(K|Kp|pc)?-EUC-|^GBK2K-/, label: 'gb18030', codes: ['<00> <80>', '<8140> <FEFE>'] },
  { names: /^(B5pc|ETen-B5|ETenms-B5|HKscs-B5)-/, label: 'big5', codes: ['<00> <80>', '<8140> <FEFE>'] },
  {
    names: /-RKSJ-/,
    label: 'shift_jis',
    codes: ['<00> <80>', '<A0> <DF>', '<8140> <9FFC>', '<E040> <FCFC>'],
  },
  { names: /^EUC-/, label: 'euc-jp', codes: ['<00> <80>', '<8EA0> <8EDF>', '<A1A1> <FEFE>'] },
  { names: /^KSC(pc|ms)?-(EUC|UHC)-/, label: 'euc-kr', codes: ['<00> <80>', '<8141> <FEFE>'] },
];
const UNICODE = /^Uni\w+-(UCS2|UTF16)-/;
const GLYPHS_TO_UNICODE = /^Adobe-\w+-UCS2$/;

/** Gives the library the tables that it asks for, and records those that do not exist here. */
export function makeCMaps() {
  const missing = new Set<string>();
  let hasMade = false;
  return {
    missing,
    options: {
      cMapPacked: false,
      useWorkerFetch: false,
      BinaryDataFactory: class {
        async fetch({ kind, filename }: { kind: string; filename: string }): Promise<Uint8Array> {
          if (kind !== 'cMapUrl') throw new Error(`There is no ${kind} here`);
          const lines = makeTable(filename, hasMade);
          if (!lines) {
            missing.add(filename);
            throw new Error(`There is no table ${filename} here`);
          }
          hasMade = true;
          return Buffer.from(['begincmap', ...lines, 'endcmap'].join('\n'));
        }
      },
    },
  };
}

function makeTable(name: string, hasMade: boolean): string[] | undefined {
  if (UNICODE.test(name))
    return [...section('codespacerange', ['<0000> <FFFF>']), ...section('cidrange', ['<0000> <FFFF> 0'])];
  // For a font that numbers its glyphs as Adobe does, the text would be wrong.
  if (GLYPHS_TO_UNICODE.test(name)) return hasMade ? makeIdentity() : undefined;
  const encoding = ENCODINGS.find(({ names }) => names.test(name));
  return encoding && [...section('codespacerange', encoding.codes), ...section('cidchar', listCharacters(encoding))];
}

const section = (what: string, lines: readonly string[]): string[] => [
  `${lines.length} begin${what}`,
  ...lines,
  `end${what}`,
];

const hex = (number: number, digits: number): string => number.toString(16).padStart(digits, '0');

function makeIdentity(): string[] {
  const ranges = Array.from({ length: 256 }, (_, row) => `<${hex(row, 2)}00> <${hex(row, 2)}FF> <${hex(row, 2)}00>`);
  return [...section('codespacerange', ['<0000> <FFFF>']), ...section('bfrange', ranges)];
}

function listCharacters({ label }: Encoding): string[] {
  const decoder = new TextDecoder(label);
  const lines: string[] = [];
  const add = (...bytes: number[]) => {
    const text = decoder.decode(Uint8Array.from(bytes));
    if (text.length !== 1 || text === '\uFFFD') return;
    lines.push(`<${bytes.map((byte) => hex(byte, 2)).join('')}> ${text.charCodeAt(0)}`);
  };
  for (let byte = 0; byte < 0x100; byte++) add(byte);
  for (let lead = 0x81; lead < 0xff; lead++) {
    for (let trail = 0x40; trail < 0xff; trail++) add(lead, trail);
  }
  return lines;
}
