// Version labels: how they are ordered, and which one a caller's text selects.

type Label = readonly [major: number, minor: number, patch: number];

const LABEL = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})$/;
const PREFIX = /^\d{1,6}(\.\d{1,6}){0,1}$/;

/** Negative where `a` is older than `b`. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}

/** `1.0.1` is itself, `1.0` and `1` are the newest that begin with them; undefined where there is none. */
export function findVersionLabel(asked: string, labels: readonly string[]): string | undefined {
  if (LABEL.test(asked)) return labels.find((label) => label === asked);
  if (!PREFIX.test(asked)) return undefined;
  return labels
    .filter((label) => label.startsWith(`${asked}.`))
    .sort(compareVersions)
    .at(-1);
}

export function isVersionLabel(text: string): boolean {
  return LABEL.test(text);
}

export function parseVersion(label: string): Label {
  const [, major, minor, patch] = LABEL.exec(label) ?? [];
  return [Number(major ?? 0), Number(minor ?? 0), Number(patch ?? 0)];
}
