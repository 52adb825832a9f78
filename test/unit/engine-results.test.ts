// What a run records is what its author wrote: lists, failed items, and results that are too large.

import { describe, expect, test } from 'vitest';
import { ran, set } from '../support/small-flows.ts';

describe('a filter without a hit', () => {
  test.each(['[status = "open"]', '[status = "open"][]'])('%s takes the branch for none', async (filter) => {
    const nodes = {
      open: set(`\${{ $nodes.all.v${filter} }}`),
      all: set([{ status: 'closed' }]),
      any: { type: 'switch', with: { cases: [{ id: 'some', when: '$count($nodes.open.v) > 0' }], default: 'none' } },
    };
    const values = { taken: '${{ $nodes.any.case }}', open: '${{ $nodes.open.v }}' };
    const open = filter.endsWith('[]') ? [] : null;
    expect((await ran(nodes, values)).outputs).toEqual({ taken: 'none', open });
  });
});
