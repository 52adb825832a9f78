import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { bundleFunctions } from '../../infra/bundle.ts';
import { type BundleSize, measureSize } from '../bench/bundle-size.ts';
import { API_ENTRY_BYTES, AT_START_BYTES } from '../bench/figures.ts';

type Name = keyof typeof AT_START_BYTES;
const NAMES = Object.keys(AT_START_BYTES) as Name[];
let sizes: Record<Name, BundleSize>;

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'errand-bundles-'));
  try {
    await bundleFunctions(directory);
    const measured = await Promise.all(NAMES.map(async (name) => [name, await measureSize(directory, name)] as const));
    sizes = Object.fromEntries(measured) as Record<Name, BundleSize>;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 60_000);

test('the entry chunk of the api is smaller than promised', () => {
  expect(sizes.api.entryBytes).toBeGreaterThan(0);
  expect(sizes.api.entryBytes).toBeLessThan(API_ENTRY_BYTES);
});

test.each(NAMES)('a cold start of %s loads no more than its budget', (name) => {
  expect(sizes[name].atStartBytes).toBeLessThan(AT_START_BYTES[name]);
});

test.each(NAMES)('what %s needs now and then stays out of its cold start', (name) => {
  expect(sizes[name].atStartBytes).toBeLessThan(sizes[name].allBytes);
});
