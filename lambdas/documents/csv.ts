// The rows of a CSV, by the names in its first line.

import { parse } from 'csv-parse/sync';
import type { JsonObject } from '../core/json.ts';
import { MAX_DOCUMENT_ROWS } from '../core/limits.ts';
import type { DocumentText } from '../core/ports/runners.ts';
import { Unreadable } from './text.ts';

const DELIMITERS = [',', ';', '\t', '|'];

export function readCsv(text: string): DocumentText {
  const lines: string[][] = parse(text, {
    bom: true,
    delimiter: findDelimiter(text),
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    trim: true,
    // One more line shows that there are too many.
    to: MAX_DOCUMENT_ROWS + 2,
  });
  const [names = [], ...rows] = lines;
  if (rows.length > MAX_DOCUMENT_ROWS) throw new Unreadable(`it has more than ${MAX_DOCUMENT_ROWS} rows`);
  const columns = nameColumns(names);
  return { rows: rows.map((cells) => makeRow(columns, cells)) };
}

/** The one that the first line contains most often. */
function findDelimiter(text: string): string {
  const [first = ''] = text.replace(/"[^"]*"/g, '').split('\n', 1);
  const counts = DELIMITERS.map((delimiter) => first.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/** A column without a name, or with the name of an earlier one, is named by its position. */
function nameColumns(names: readonly string[]): string[] {
  return names.map((name, index) => {
    const isTaken = names.indexOf(name) < index;
    return name === '' || name === '__proto__' || isTaken ? `column${index + 1}` : name;
  });
}

function makeRow(columns: readonly string[], cells: readonly string[]): JsonObject {
  return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? null]));
}
