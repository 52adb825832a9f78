// Feeds as data: RSS 2.0 (and 0.9x), RSS 1.0 (RDF) and Atom 1.0 become the same items. The XML parser loads on first use.

import type { JsonObject } from '../../json.ts';
import { MAX_EACH_ITEMS } from '../../limits.ts';
import { decodeEntities, extractText } from './plain-text.ts';
import { UnreadableResponse } from './unreadable-response.ts';

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
// Their text may be markup, escaped or not, so the parser returns it as written.
const MARKED_UP = ['title', 'description', 'summary', 'content', 'subtitle', 'tagline', 'content:encoded'];

async function parseXml(text: string): Promise<Element> {
  // A document type is allowed (RSS 0.91 has one); declarations inside it are not: entity bombs and file reads use them.
  const doctype = /<!DOCTYPE[^>[]*/i.exec(text);
  if (doctype && text[doctype.index + doctype[0].length] === '[') {
    throw new UnreadableResponse('its XML declares entities, which is not allowed');
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
    throw new UnreadableResponse(`its body is not valid XML: ${(error as Error).message}`);
  }
}

const toList = (value: Xml | Xml[] | undefined): Xml[] => (value === undefined ? [] : ([value].flat() as Xml[]));
const toElements = (value: Xml | Xml[] | undefined): Element[] =>
  toList(value).map((entry) => (typeof entry === 'string' ? { '#text': entry } : entry));
const findFirst = (...values: (Xml | Xml[] | undefined)[]): Element | undefined => values.flatMap(toElements)[0];
const readAttribute = (element: Element | undefined, name: string): string | null => {
  const value = element?.[`@${name}`];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
};

/** Text of an ordinary element. */
function readText(element: Element | undefined): string | null {
  const text = element?.['#text'];
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : null;
}

/** Text of a MARKED_UP element: CDATA is literal, the rest is escaped once; then it is HTML, unless Atom says plain text. */
function readMarkup(element: Element | undefined, isAtom = false): string | null {
  const raw = typeof element?.['#text'] === 'string' ? element['#text'] : '';
  const type = readAttribute(element, 'type') ?? (isAtom ? 'text' : 'html');
  const source = raw
    .split(/<!\[CDATA\[|\]\]>/)
    .map((piece, index) => (index % 2 === 1 || type === 'xhtml' ? piece : decodeEntities(piece)))
    .join('');
  const text = type === 'text' ? source.replace(/\s+/g, ' ').trim() : extractText(source);
  return text === '' ? null : text;
}

/** Only http and https: no `javascript:`, no local files. */
function resolveWebUrl(text: string | null, base: string): string | null {
  const url = text === null ? null : URL.parse(text, base);
  return url && /^https?:$/.test(url.protocol) ? url.href : null;
}

const ISO_DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?/;
// https://www.rfc-editor.org/rfc/rfc822#section-5, with the year of RFC 2822
const RFC_DATE = /^(?:[A-Za-z]{3,9},?\s+)?\d{1,2}\s+[A-Za-z]{3,9}\s+\d{2,4}\s+\d{1,2}:\d\d/;
const ZONE = /(?:Z|[+-]\d\d:?\d\d|\b(?:UTC?|GMT|[ECMP][SD]T))\s*$/i;

/** Date.parse accepts almost any text, so the form is checked first; a time without a zone is UTC. */
function toIsoDate(...texts: (string | null)[]): string | null {
  const text = texts.find((entry) => entry !== null);
  if (!text || !(ISO_DATE.test(text) || RFC_DATE.test(text))) return null;
  const hasTime = text.includes(':');
  const ms = Date.parse(hasTime && !ZONE.test(text) ? `${text}${ISO_DATE.test(text) ? 'Z' : ' UTC'}` : text);
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

function findMedia(item: Element, base: string): FeedItem['media'] {
  const group = findFirst(item['media:group']);
  const enclosure = toElements(item['link']).find((link) => readAttribute(link, 'rel') === 'enclosure');
  const candidates = [
    ...toElements(item['enclosure']),
    ...(enclosure ? [enclosure] : []),
    ...toElements(item['media:content']),
    ...toElements(group?.['media:content']),
    ...toElements(item['media:thumbnail']),
    ...toElements(item['itunes:image']),
  ];
  for (const candidate of candidates) {
    const url = resolveWebUrl(readAttribute(candidate, 'url') ?? readAttribute(candidate, 'href'), base);
    if (url) return { url, type: readAttribute(candidate, 'type') ?? readAttribute(candidate, 'medium') };
  }
  return null;
}

/** RSS writes the address as text, Atom as `href`, of which the one without `rel` or with `alternate` is the page. */
function findLink(item: Element, base: string): string | null {
  const links = toElements(item['link']).filter((link) => [null, 'alternate'].includes(readAttribute(link, 'rel')));
  const texts = links.map((link) => readAttribute(link, 'href') ?? readText(link));
  return resolveWebUrl(texts.find((text) => text !== null) ?? null, base);
}

function listCategories(item: Element): string[] {
  const found = [...toElements(item['category']), ...toElements(item['dc:subject'])].map(
    (entry) => readAttribute(entry, 'label') ?? readAttribute(entry, 'term') ?? readText(entry),
  );
  return [...new Set(found.filter((entry) => entry !== null))];
}

function toItem(item: Element, feed: { title: string | null; base: string; isAtom: boolean }): FeedItem {
  const { base, isAtom } = feed;
  const link = findLink(item, base);
  const guid = readText(findFirst(item['guid'], item['id'])) ?? readAttribute(item, 'rdf:about');
  const author = findFirst(item['author']);
  const source = findFirst(item['source']);
  const described = findFirst(item['description'], item['summary'], item['content'], item['content:encoded']);
  return {
    title: readMarkup(findFirst(item['title']), isAtom),
    description: readMarkup(described, isAtom),
    // A guid is the page's address unless it says otherwise or is no address at all.
    link: link ?? (guid !== null && URL.canParse(guid) ? resolveWebUrl(guid, base) : null),
    guid: guid ?? link,
    author: readText(findFirst(author?.['name'])) ?? readText(findFirst(item['dc:creator'])) ?? readText(author),
    published: toIsoDate(
      ...[item['pubDate'], item['published'], item['dc:date'], item['updated']].map((date) =>
        readText(findFirst(date)),
      ),
    ),
    source: readText(source) ?? readMarkup(findFirst(source?.['title']), isAtom) ?? feed.title,
    media: findMedia(item, base),
    categories: listCategories(item),
  };
}

/** Relative addresses are resolved against the feed's own. Throws UnreadableResponse. */
export async function parseFeed(text: string, url: string): Promise<Feed> {
  const document = await parseXml(text);
  const rdf = findFirst(document['rdf:RDF']);
  const atom = findFirst(document['feed']);
  const channel = findFirst(findFirst(document['rss'])?.['channel'], rdf?.['channel']) ?? atom;
  if (!channel) throw new UnreadableResponse('its body is not an RSS or Atom feed');
  const title = readMarkup(findFirst(channel['title']), atom !== undefined);
  const declared = resolveWebUrl(readAttribute(channel, 'xml:base'), url);
  const link = findLink(channel, declared ?? url);
  const base = declared ?? link ?? url;
  const items = toElements(rdf?.['item'] ?? channel['item'] ?? channel['entry']).slice(0, MAX_EACH_ITEMS);
  return {
    title,
    description: readMarkup(findFirst(channel['description'], channel['subtitle']), atom !== undefined),
    link,
    items: items.map((item) => toItem(item, { title, base, isAtom: atom !== undefined })),
  };
}
