// Whether a flow can run asynchronously and synchronously, and which nodes stand in the way.

import type { Blocker, Support } from './plan.ts';
import type { Problems } from './problems.ts';
import type { Draft, Scope } from './scope.ts';
import type { Path, Source } from './source.ts';

type Mode = 'async' | 'sync';

interface Found {
  blocker: Blocker;
  path: Path;
}

export interface Supports {
  async: Support;
  sync: Support;
}

export function judgeSupport(source: Source, top: Scope): Supports {
  const mode = modeOf(source);
  return {
    async: support(source, top, { mode: 'async', only: mode }),
    sync: support(source, top, { mode: 'sync', only: mode }),
  };
}

/** A flow that says how it runs must be able to. */
export function checkMode(problems: Problems, source: Source, top: Scope): void {
  const mode = modeOf(source);
  if (mode !== 'async' && mode !== 'sync') return;
  for (const { blocker, path } of blockersOf(source, top, mode)) {
    problems.error(path, `node '${blocker.node}' ${blocker.message}: not allowed when settings.mode is ${mode}`, 'key');
  }
}

function support(source: Source, top: Scope, { mode, only }: { mode: Mode; only: unknown }): Support {
  const blockers = blockersOf(source, top, mode).map(({ blocker }) => blocker);
  if ((only === 'async' || only === 'sync') && only !== mode) {
    const { line } = source.locate(['settings', 'mode']);
    blockers.unshift({ line, node: '', message: `settings.mode is ${only}` });
  }
  return { supported: blockers.length === 0, blockers };
}

function blockersOf(source: Source, scope: Scope, mode: Mode, prefix = ''): Found[] {
  return [...scope.drafts.values()].flatMap((draft) => [
    ...ownBlocker(source, draft, { mode, node: `${prefix}${draft.id}` }),
    ...(draft.inside ? blockersOf(source, draft.inside, mode, `${prefix}${draft.id}.`) : []),
  ]);
}

function ownBlocker(source: Source, { kind, path, with: given }: Draft, at: { mode: Mode; node: string }): Found[] {
  const message = given === undefined ? undefined : kind.blocks?.(given)[at.mode];
  if (message === undefined) return [];
  return [{ blocker: { line: source.locate(path, 'key').line, node: at.node, message }, path }];
}

function modeOf({ value }: Source): unknown {
  return (value['settings'] as { mode?: unknown } | null | undefined)?.mode;
}
