// Whether a flow can run asynchronously and synchronously, and which nodes prevent it.

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
  const mode = readMode(source);
  return {
    async: judgeMode(source, top, { mode: 'async', only: mode }),
    sync: judgeMode(source, top, { mode: 'sync', only: mode }),
  };
}

/** A flow that sets `settings.mode` must be able to run in it. */
export function checkMode(problems: Problems, source: Source, top: Scope): void {
  const mode = readMode(source);
  if (mode !== 'async' && mode !== 'sync') return;
  for (const { blocker, path } of findBlockers(source, top, { mode })) {
    problems.error(path, `node '${blocker.node}' ${blocker.message}: not allowed when settings.mode is ${mode}`, 'key');
  }
}

function judgeMode(source: Source, top: Scope, { mode, only }: { mode: Mode; only: unknown }): Support {
  const blockers = findBlockers(source, top, { mode }).map(({ blocker }) => blocker);
  if ((only === 'async' || only === 'sync') && only !== mode) {
    const { line } = source.locate(['settings', 'mode']);
    blockers.unshift({ line, node: '', message: `settings.mode is ${only}` });
  }
  return { supported: blockers.length === 0, blockers };
}

function findBlockers(source: Source, scope: Scope, at: { mode: Mode; prefix?: string }): Found[] {
  const { mode, prefix = '' } = at;
  return [...scope.drafts.values()].flatMap((draft) => [
    ...findOwnBlocker(source, draft, { mode, node: `${prefix}${draft.id}` }),
    ...(draft.inside ? findBlockers(source, draft.inside, { mode, prefix: `${prefix}${draft.id}.` }) : []),
  ]);
}

function findOwnBlocker(
  document: Source,
  { kind, path, with: source }: Draft,
  at: { mode: Mode; node: string },
): Found[] {
  const message = source === undefined ? undefined : kind.blocks?.(source)[at.mode];
  if (message === undefined) return [];
  return [{ blocker: { line: document.locate(path, 'key').line, node: at.node, message }, path }];
}

function readMode({ value }: Source): unknown {
  return (value['settings'] as { mode?: unknown } | null | undefined)?.mode;
}
