// Runs that an earlier release has left in the middle of their life are finished by this one.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { deliverAll, finish, makeTablePlatform, readCheckpoint, restoreCheckpoint } from '../support/checkpoints.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/checkpoints');
const releases = readdirSync(FIXTURES, { withFileTypes: true }).filter((it) => it.isDirectory());

describe.each(releases.map(({ name }) => name))('release %s', (release) => {
  test.each(readdirSync(join(FIXTURES, release)))('left a run that is finished: %s', async (file) => {
    const checkpoint = readCheckpoint(readFileSync(join(FIXTURES, release, file), 'utf8'));
    const platform = await makeTablePlatform(checkpoint.at);
    try {
      await restoreCheckpoint(platform, checkpoint);
      const run = await finish(platform, checkpoint.run);
      expect([run.status, run.error]).toEqual(['succeeded', undefined]);
      await deliverAll(platform, run.id);
      const record = await platform.ports.runs.read(run.id);
      expect(record?.outputs).toEqual(checkpoint.outputs);
      expect(record?.deliveries.map(({ status }) => status)).toEqual(Array(run.webhookCount).fill('delivered'));
      const secrets = platform.requests.map(({ url, headers }) => [new URL(url).pathname, headers?.['authorization']]);
      expect(secrets).toEqual(
        [
          ['/a', 'Bearer secret'],
          ['/b', undefined],
        ].slice(0, run.webhookCount),
      );
      expect(await platform.ports.slots.occupancy(checkpoint.tenant)).toEqual({ running: [], queued: 0, sync: [] });
    } finally {
      await platform.server.stop();
    }
  });
});
