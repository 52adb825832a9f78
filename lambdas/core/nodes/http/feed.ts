// Feeds as data: RSS 2.0 (and 0.9x), RSS 1.0 (RDF) and Atom 1.0 become the same items. The XML parser loads on first use.

import type { JsonObject } from '../../json.ts';
import { MAX_EACH_ITEMS } from '../../limits.ts';
import { decodeEntities, plainText } from './plain-text.ts';
import { UnreadableAnswer } from './unreadable-response.ts';

export interface FeedItem extends JsonObject {
  title: string | null;
  description: string | null;
  link: string | null;
  guid: string | null;
  author: string | null;
  /** ISO 8601. */
  published: string | null;
  /** Where the item comes from: its own source, else the feed's title. */
  source: string | null;
  media: { url: string; type: string | null } | null;
  categories: string[];
}

export interface Feed extends JsonObject {
  title: string | null;
  description: string | null;
  link: string | null;
  items: FeedItem[];
}

type Xml = string | { [name: string]: Xml | Xml[] };
type Element = { [name: string]: Xml | Xml[] };

const MAX_DEPTH = 32;
// Their text may be markup, escaped or not, so the parser hands it over as written.
const MARKED_UP = ['title', 'description', 'summary', 'content', 'subtitle', 'tagline', 'content:encoded'];

async function parseXml(text: string): Promise<Element> {
  // A document type is allowed (RSS 0.91 has one); declarations inside it are how entity bombs and file reads are built.
  const doctype = /<!DOCTYPE[^>[]*/i.exec(text);
  if (doctype && text[doctype.index + doctype[0].length] === '[') {
    throw new UnreadableAnswer('its XML declares entities, which is refused');
  }
  const { XMLParser } = await import('fast-xml-parser');
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    parseTagValue: false,
    parseAttributeValue: false,
    processEntities: true,
    maxNestedTags: MAX_DEPTH,
    stopNodes: MARKED_UP.map((tag) => `*.${tag}`),
  });
  try {
    return parser.parse(text);
  } catch (error) {
    throw new UnreadableAnswer(`its body is not valid XML: ${(error as Error).message}`);
  }
}

const many = (value: Xml | Xml[] | undefined): Xml[] => (value === undefined ? [] : ([value].flat() as Xml[]));
const elements = (value: Xml | Xml[] | undefined): Element[] =>
  many(value).map((entry) => (typeof entry === 'string' ? { '#text': entry } : entry));
const first = (...values: (Xml | Xml[] | undefined)[]): Element | undefined => values.flatMap(elements)[0];
const attribute = (element: Element | undefined, name: string): string | null => {
  const value = element?.[`@${name}`];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
};

/** Text of an ordinary element. */
function textOf(element: Element | undefined): string | null {
  const text = element?.['#text'];
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : null;
}

/** Text of a MARKED_UP element: CDATA is literal, the rest is escaped once; then it is HTML, unless Atom says plain text. */
function readable(element: Element | undefined, isAtom = false): string | null {
  const raw = typeof element?.['#text'] === 'string' ? element['#text'] : '';
  const type = attribute(element, 'type') ?? (isAtom ? 'text' : 'html');
  const source = raw
    .split(/<!\[CDATA\[|\]\]>/)
    .map((piece, index) => (index % 2 === 1 || type === 'xhtml' ? piece : decodeEntities(piece)))
    .join('');
  const text = type === 'text' ? source.replace(/\s+/g, ' ').trim() : plainText(source);
  return text === '' ? null : text;
}

/** Only what a reader may follow: no `javascript:`, no local files. */
function webAddress(text: string | null, base: string): string | null {
  const url = text === null ? null : URL.parse(text, base);
  return url && /^https?:$/.test(url.protocol) ? url.href : null;
}

const ISO_DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?/;
// https://www.rfc-editor.org/rfc/rfc822#section-5, with the year of RFC 2822
const RFC_DATE = /^(?:[A-Za-z]{3,9},?\s+)?\d{1,2}\s+[A-Za-z]{3,9}\s+\d{2,4}\s+\d{1,2}:\d\d/;
const ZONE = /(?:Z|[+-]\d\d:?\d\d|\b(?:UTC?|GMT|[ECMP][SD]T))\s*$/i;

/** Date.parse takes almost anything for a date, so the shape is checked first; a time without a zone is UTC. */
function isoDate(...texts: (string | null)[]): string | null {
  const text = texts.find((entry) => entry !== null);
  if (!text || !(ISO_DATE.test(text) || RFC_DATE.test(text))) return null;
  const hasTime = text.includes(':');
  const ms = Date.parse(hasTime && !ZONE.test(text) ? `${text}${ISO_DATE.test(text) ? 'Z' : ' UTC'}` : text);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

function mediaOf(item: Element, base: string): FeedItem['media'] {
  const group = first(item['media:group']);
  const enclosure = elements(item['link']).find((link) => attribute(link, 'rel') === 'enclosure');
  const candidates = [
    ...elements(item['enclosure']),
    ...(enclosure ? [enclosure] : []),
    ...elements(item['media:content']),
    ...elements(group?.['media:content']),
    ...elements(item['media:thumbnail']),
    ...elements(item['itunes:image']),
  ];
  for (const candidate of candidates) {
    const url = webAddress(attribute(candidate, 'url') ?? attribute(candidate, 'href'), base);
    if (url) return { url, type: attribute(candidate, 'type') ?? attribute(candidate, 'medium') };
  }
  return null;
}

/** RSS writes the address as text, Atom as `href`, of which the one without `rel` or with `alternate` is the page. */
function linkOf(item: Element, base: string): string | null {
  const links = elements(item['link']).filter((link) => [null, 'alternate'].includes(attribute(link, 'rel')));
  const texts = links.map((link) => attribute(link, 'href') ?? textOf(link));
  return webAddress(texts.find((text) => text !== null) ?? null, base);
}

function categoriesOf(item: Element): string[] {
  const found = [...elements(item['category']), ...elements(item['dc:subject'])].map(
    (entry) => attribute(entry, 'label') ?? attribute(entry, 'term') ?? textOf(entry),
  );
  return [...new Set(found.filter((entry) => entry !== null))];
}

function itemOf(item: Element, feed: { title: string | null; base: string; isAtom: boolean }): FeedItem {
  const { base, isAtom } = feed;
  const link = linkOf(item, base);
  const guid = textOf(first(item['guid'], item['id'])) ?? attribute(item, 'rdf:about');
  const author = first(item['author']);
  const source = first(item['source']);
  const described = first(item['description'], item['summary'], item['content'], item['content:encoded']);
  return {
    title: readable(first(item['title']), isAtom),
    description: readable(described, isAtom),
    // A guid is the page's address unless it says otherwise or is no address at all.
    link: link ?? (guid !== null && URL.canParse(guid) ? webAddress(guid, base) : null),
    guid: guid ?? link,
    author: textOf(first(author?.['name'])) ?? textOf(first(item['dc:creator'])) ?? textOf(author),
    published: isoDate(
      ...[item['pubDate'], item['published'], item['dc:date'], item['updated']].map((date) => textOf(first(date))),
    ),
    source: textOf(source) ?? readable(first(source?.['title']), isAtom) ?? feed.title,
    media: mediaOf(item, base),
    categories: categoriesOf(item),
  };
}

/** Relative addresses are resolved against the feed's own. Throws UnreadableAnswer. */
export async function parseFeed(text: string, url: string): Promise<Feed> {
  const document = await parseXml(text);
  const rdf = first(document['rdf:RDF']);
  const atom = first(document['feed']);
  const channel = first(first(document['rss'])?.['channel'], rdf?.['channel']) ?? atom;
  if (!channel) throw new UnreadableAnswer('its body is not an RSS or Atom feed');
  const title = readable(first(channel['title']), atom !== undefined);
  const declared = webAddress(attribute(channel, 'xml:base'), url);
  const link = linkOf(channel, declared ?? url);
  const base = declared ?? link ?? url;
  const items = elements(rdf?.['item'] ?? channel['item'] ?? channel['entry']).slice(0, MAX_EACH_ITEMS);
  return {
    title,
    description: readable(first(channel['description'], channel['subtitle']), atom !== undefined),
    link,
    items: items.map((item) => itemOf(item, { title, base, isAtom: atom !== undefined })),
  };
}
