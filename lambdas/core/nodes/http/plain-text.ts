// HTML to plain text in one pass over the characters: feeds are untrusted, so no regular expression may backtrack. The
// entity decoder is a state machine, also linear; it loads with the feed parser, on first use.

import { decodeHTMLStrict } from 'entities';

const SOFT_HYPHEN = '\u00ad';

// Elements whose content is not shown to readers.
const UNREAD = /^(script|style|head|template|noscript|iframe|svg)$/;
// Elements that a reader sees as separate blocks.
const SPACED = /^(p|div|br|hr|li|ul|ol|tr|td|th|table|h[1-6]|blockquote|pre|section|article|figure|figcaption|img)$/;

/** Decodes entities once, without soft hyphens. An unknown one, or one without its semicolon, stays as written. */
export function decodeEntities(text: string): string {
  return decodeHTMLStrict(text).replaceAll(SOFT_HYPHEN, '');
}

/** The text of HTML: no markup, no scripts, entities decoded, white space as one blank. */
export function extractText(html: string): string {
  const lower = html.toLowerCase();
  let text = '';
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    if (open < 0) break;
    text += html.slice(at, open);
    const tag = /^<(?:\/?([a-z][a-z0-9]*)|!)/.exec(lower.slice(open, open + 32));
    if (!tag) {
      text += '<';
      at = open + 1;
      continue;
    }
    const name = tag[1] ?? '';
    if (SPACED.test(name)) text += ' ';
    at = skipTag(lower, open, name);
  }
  return decodeEntities(text + html.slice(at))
    .replace(/\s+/g, ' ')
    .trim();
}

/** A tag that is not closed reaches to the end, so no input is scanned twice. */
function skipTag(lower: string, open: number, name: string): number {
  const isUnread = UNREAD.test(name) && lower[open + 1] !== '/';
  const isComment = lower.startsWith('<!--', open);
  const end = isUnread ? lower.indexOf(`</${name}`, open) : open;
  const close = end < 0 ? -1 : lower.indexOf(isComment ? '-->' : '>', end);
  return close < 0 ? lower.length : close + (isComment ? 3 : 1);
}
