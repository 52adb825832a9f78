// The text of HTML as a reader sees it: no scripts, no addresses, lists with dots, tables as lines of cells.

import { type DomNode, type FormatCallback, type HtmlToTextOptions, htmlToText } from 'html-to-text';
import { tidy } from './text.ts';

const MAX_DEPTH = 500;
const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];
const UNREAD = ['img', 'nav', 'template', 'noscript', 'iframe', 'svg'];

const OPTIONS: HtmlToTextOptions = {
  wordwrap: false,
  limits: { maxDepth: MAX_DEPTH },
  // The library's own tables pad every cell to the width of its column.
  formatters: { row },
  selectors: [
    ...HEADINGS.map((selector) => ({ selector, options: { uppercase: false } })),
    ...UNREAD.map((selector) => ({ selector, format: 'skip' })),
    { selector: 'a', options: { ignoreHref: true } },
    { selector: 'tr', format: 'row' },
  ],
};

export function readHtml(html: string): string {
  return tidy(htmlToText(html, OPTIONS));
}

function row(...[element, walk, builder]: Parameters<FormatCallback>): void {
  builder.openBlock({ leadingLineBreaks: 1 });
  const cells = (element.children as DomNode[]).filter(({ name }) => name === 'td' || name === 'th');
  for (const [index, cell] of cells.entries()) {
    if (index > 0) builder.addInline(' | ');
    // Word puts a paragraph into every cell.
    for (const child of cell.children) walk(child.name === 'p' ? child.children : [child], builder);
  }
  builder.closeBlock({ trailingLineBreaks: 1 });
}
