// The README and the documents name files and folders: each path in a link, in backticks or in a drawn tree exists.
// `core/…` means lambdas/core/…, `unit/submit` means test/unit/submit.test.ts; a link starts at its document.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const DOCUMENTS = ['README.md', ...globSync('docs/**/*.md', { cwd: ROOT })];

const TOP_LEVEL = ['lambdas', 'infra', 'local', 'flows', 'docs', 'test', '.ci'];
const TEST_PROJECTS = ['unit', 'contract', 'simulation', 'infra', 'journey'];
// Where a name without a folder may be, such as those in the table of the five verbs.
const HOMES = ['', 'lambdas/core/', 'lambdas/', 'infra/'];

/** Document, path, reason. */
const ALLOWED: [string, string, string][] = [
  ['docs/decisions/0011-plain-words-and-folders.md', 'webhooks/', 'the decision says what replaced it'],
];

const FENCE = /^```(\w*)\n([\s\S]*?)^```/gm;
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
const CODE = /`([^`\n]+)`/g;

const exists = (path: string): boolean => existsSync(join(ROOT, path));

/** `lambdas/{aws,net}` is two paths. */
function expand(text: string): string[] {
  const [, before = '', options, after = ''] = /^([^{}]*)\{([^{}]+)\}([^{}]*)$/.exec(text) ?? [];
  return options === undefined ? [text] : options.split(',').map((option) => `${before}${option}${after}`);
}

/** Text in backticks is a path by its first folder, by a slash at its end, or by the ending of a file. */
function isPath(text: string): boolean {
  if (!/^[\w.-]+(?:\/[\w.-]+)*\/?$/.test(text)) return false;
  const [top = '', ...inside] = text.split('/');
  const isRooted = inside.length > 0 && [...TOP_LEVEL, ...TEST_PROJECTS, 'core'].includes(top);
  return isRooted || text.endsWith('/') || /\.(?:ts|json|yaml|md)$/.test(text);
}

function isFound(path: string): boolean {
  const [top = ''] = path.split('/');
  if (TEST_PROJECTS.includes(top) && exists(`test/${path}.test.ts`)) return true;
  if (path.includes('/') && !path.endsWith('/')) return exists(top === 'core' ? `lambdas/${path}` : path);
  return HOMES.some((home) => exists(`${home}${path}`));
}

/** A drawn tree: names, then two blanks, then what they are; indented names are in the folder of the last line without indent. */
function readTree(drawn: string): string[] {
  let folder = '';
  return drawn.split('\n').flatMap((line) => {
    const [names = ''] = line.trim().split(/ {2,}/);
    const paths = names.split(' ');
    if (!paths.every((path) => /^[\w./-]+(?:\/|\.ts)$/.test(path))) return [];
    if (line.startsWith(' ')) return paths.map((path) => `${folder}${path}`);
    folder = paths[0] ?? '';
    return paths;
  });
}

function findMissing(document: string): string[] {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const drawn = [...text.matchAll(FENCE)].filter(([, language]) => language === '').map(([, , inside = '']) => inside);
  const prose = text.replace(FENCE, '');
  const links = [...prose.matchAll(LINK)]
    .map(([, target = '']) => target)
    .filter((target) => !/^(?:\w+:|#)/.test(target));
  const code = [...prose.replace(LINK, '').matchAll(CODE)].flatMap(([, inside = '']) => expand(inside)).filter(isPath);
  const missing = [
    ...links.filter((target) => !exists(join(dirname(document), target.replace(/#.*$/, '')))),
    ...code.filter((path) => !isFound(path)),
    ...drawn.flatMap(readTree).filter((path) => !exists(path)),
  ];
  return missing
    .filter((path) => !ALLOWED.some(([where, what]) => where === document && what === path))
    .map((path) => `${document}: there is no ${path}`);
}

test('each path that the README and the documents name exists', () => {
  expect(DOCUMENTS.length).toBeGreaterThan(15);
  expect(DOCUMENTS.flatMap(findMissing)).toEqual([]);
});
