// Feeds of every format and in every state of repair become the same items; hostile XML is refused, never worked on.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseFeed } from '../../lambdas/core/nodes/http/feed.ts';
import { decodeEntities, extractText } from '../../lambdas/core/nodes/http/plain-text.ts';
import { UnreadableResponse } from '../../lambdas/core/nodes/http/unreadable-response.ts';

const URL = 'https://news.example.com/feeds/all.xml';
const sample = (name: string) => parseFeed(readFileSync(`flows/feeds/${name}`, 'utf8'), URL);
const rss = (items: string) => parseFeed(`<rss version="2.0"><channel><title>T</title>${items}</channel></rss>`, URL);
const item = async (inside: string) => (await rss(`<item>${inside}</item>`)).items[0];

describe('the sample feeds', () => {
  test('RSS: titles, text, sources, media and dates come out clean', async () => {
    const feed = await sample('news.rss.xml');
    expect(feed).toMatchObject({ title: 'The Harbour Observer', link: 'https://observer.example.com/' });
    expect(feed.items).toHaveLength(10);
    expect(feed.items[0]).toEqual({
      title: 'New ferry line connects the old and the new harbour',
      description:
        'From Monday a small electric ferry crosses the basin every twelve minutes. A single trip costs the same as a tram ticket — and bicycles ride free.',
      link: 'https://observer.example.com/2025/11/ferry-line',
      guid: 'https://observer.example.com/2025/11/ferry-line',
      author: 'Mara Lindqvist',
      published: '2025-11-14T07:10:00.000Z',
      source: 'The Harbour Observer',
      media: { url: 'https://observer.example.com/img/ferry.jpg', type: 'image/jpeg' },
      categories: ['Transport', 'Harbour'],
    });
    expect(feed.items[2]).toMatchObject({
      source: 'The Island Gazette',
      title: 'Market hall: "three stalls left" & a waiting list',
    });
    expect(feed.items.map((entry) => entry.published === null)).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 0, 0].map(Boolean));
    expect(feed.items[6]?.title).toBe('Rain < forecast: gardeners > happy');
    expect(feed.items[9]?.link).toBeNull();
  });

  test('Atom: text, html and xhtml alike, relative addresses resolved', async () => {
    const feed = await sample('news.atom.xml');
    expect(feed).toMatchObject({
      title: 'The Island Gazette',
      description: 'News from the seven islands',
      link: 'https://gazette.example.org/',
    });
    expect(feed.items[0]).toMatchObject({
      link: 'https://gazette.example.org/2025/solar-roof',
      author: 'Jonas Okafor',
      published: '2025-11-14T06:45:00.000Z',
      media: { url: 'https://gazette.example.org/img/solar-roof.webp', type: 'image/webp' },
      categories: ['Energy', 'schools'],
    });
    expect(feed.items.slice(1, 4).map(({ title, source }) => ({ title, source }))).toEqual([
      { title: 'Lighthouse keepers wanted & welcome', source: 'The Island Gazette' },
      { title: 'Tide tables: new edition', source: 'The Island Gazette' },
      { title: 'Bakery collects warm coats', source: 'The Harbour Observer' },
    ]);
  });
});

describe('other shapes', () => {
  test('RSS 1.0 keeps its items beside the channel', async () => {
    const feed = await parseFeed(
      `<rdf:RDF xmlns:rdf="r" xmlns="http://purl.org/rss/1.0/" xmlns:dc="d">
        <channel rdf:about="https://x.example/"><title>R</title><link>https://x.example/</link></channel>
        <item rdf:about="https://x.example/1"><title>One</title><link>https://x.example/1</link>
          <dc:date>2025-11-14</dc:date><dc:creator>Ada</dc:creator><dc:subject>S</dc:subject></item>
      </rdf:RDF>`,
      URL,
    );
    expect(feed.items).toEqual([
      {
        title: 'One',
        description: null,
        link: 'https://x.example/1',
        guid: 'https://x.example/1',
        author: 'Ada',
        published: '2025-11-14T00:00:00.000Z',
        source: 'R',
        media: null,
        categories: ['S'],
      },
    ]);
  });

  test('a feed without items has an empty list, one with one item a list of one', async () => {
    expect((await rss('')).items).toEqual([]);
    expect((await rss('<item><title>a</title></item>')).items).toHaveLength(1);
  });

  test('an RSS 0.91 document type is no reason to refuse', async () => {
    const text =
      '<!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://n.example/rss.dtd"><rss><channel><title>T</title></channel></rss>';
    expect((await parseFeed(text, URL)).title).toBe('T');
  });

  test.each([
    ['Fri, 14 Nov 2025 07:10:00 GMT', '2025-11-14T07:10:00.000Z'],
    ['14 Nov 25 07:10 EST', '2025-11-14T12:10:00.000Z'],
    ['Fri, 14 Nov 2025 07:10:00', '2025-11-14T07:10:00.000Z'],
    ['2025-11-14T07:10:00', '2025-11-14T07:10:00.000Z'],
    ['2025-11-14T07:10:00.5+01:00', '2025-11-14T06:10:00.500Z'],
    ['2025-11-14', '2025-11-14T00:00:00.000Z'],
    ['Fri, 41 Nov 2025 07:10:00 GMT', null],
    ['Volume 7', null],
    ['', null],
  ])('the date %j is %s', async (written, iso) => {
    expect((await item(`<pubDate>${written}</pubDate>`))?.published).toBe(iso);
  });

  test.each([
    ['/a', 'https://news.example.com/a'],
    ['//cdn.example.com/a', 'https://cdn.example.com/a'],
    ['javascript:alert(1)', null],
    ['file:///etc/passwd', null],
  ])('the link %s becomes %s', async (written, link) => {
    expect((await item(`<link>${written}</link>`))?.link).toBe(link);
  });
});

describe('hostile XML', () => {
  test.each([
    ['entities that multiply', '<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><rss><channel/></rss>'],
    [
      'files as entities',
      '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><channel><title>&x;</title></channel></rss>',
    ],
    ['endless nesting', '<a>'.repeat(100_000)],
    ['a page instead of a feed', '<html><body>Not found</body></html>'],
    ['JSON instead of a feed', '{"error":"no"}'],
    ['nothing', ''],
  ])('refuses %s', async (_, text) => {
    await expect(parseFeed(text, URL)).rejects.toBeInstanceOf(UnreadableResponse);
  });

  test('an element named __proto__ changes no prototype', async () => {
    await rss('<item><__proto__><polluted>1</polluted></__proto__><title>a</title></item>').catch(() => undefined);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('gives at most a thousand items', async () => {
    expect((await rss('<item><title>a</title></item>'.repeat(1_200))).items).toHaveLength(1_000);
  });
});

describe('HTML as text', () => {
  test.each([
    ['<p>a</p><p>b</p>', 'a b'],
    ['a<br>b<br/>c', 'a b c'],
    ['<b>a</b>b', 'ab'],
    ['a<script>alert("<b>")</script>b', 'ab'],
    ['a<style>p{}</style>b<!-- <p>c</p> -->d', 'abd'],
    ['a<script>not closed', 'a'],
    ['a < b and c > d', 'a < b and c > d'],
    ['5 &lt; 6 &amp;amp; &#8364; &#x20ac; &nosuch; &copy', '5 < 6 &amp; € € &nosuch; &copy'],
    ['&Eacute;t&eacute; &#128; so&shy;ft &#0;', 'Été € soft \ufffd'],
    ['a<', 'a<'],
    ['<img src="x" alt="no">', ''],
  ])('%s', (html, text) => {
    expect(extractText(html)).toBe(text);
  });

  test.each([
    ['opening brackets', '<'.repeat(500_000)],
    ['open tags', '<a'.repeat(300_000)],
    ['open scripts', '<script>'.repeat(100_000)],
    ['open comments', '<!--'.repeat(200_000)],
    ['ampersands', '&'.repeat(500_000)],
    ['digits of one character', `&#${'1'.repeat(500_000)}`],
    ['characters without an end', '&#1'.repeat(170_000)],
    ['names without an end', '&CounterClockwiseContourIntegra'.repeat(17_000)],
    ['characters', '&#1;'.repeat(125_000)],
  ])('takes a moment for half a million characters of %s', (_, html) => {
    const startedAt = performance.now();
    extractText(html);
    decodeEntities(html);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
