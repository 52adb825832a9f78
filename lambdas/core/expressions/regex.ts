// Regexes in linear time: RE2 in the shape that JSONata expects of a RegExp. Loaded only where a regex occurs.

import { RE2JS } from 're2js';

const MAX_PROGRAM = 2_000;
// Characters of the text times steps of the program: about 100 ms.
const MAX_STEPS = 20_000_000;

export interface Regex {
  lastIndex: number;
  exec(text: string): (string[] & { index: number }) | null;
}

/** Throws an Error where RE2 does not support the pattern (backreferences, lookaround) or it is too large. */
export function compileRegex(source: string, flags: string): RE2JS {
  let mode = 0;
  if (flags.includes('i')) mode |= RE2JS.CASE_INSENSITIVE;
  if (flags.includes('m')) mode |= RE2JS.MULTILINE;
  let program: RE2JS;
  try {
    program = RE2JS.compile(RE2JS.translateRegExp(source), mode);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `the regex /${source}/ cannot be used: ${reason} (lookaround and backreferences are not supported)`,
    );
  }
  if (program.programSize() > MAX_PROGRAM) throw new Error(`the regex /${source}/ is too large`);
  return program;
}

/** Whether the pattern matches anywhere in the text. */
export function matchesRegex(source: string, text: string): boolean {
  return compileRegex(source, '').matcher(text).find();
}

/** `check` is called before every search, so a search for all matches can be stopped between two of them. */
export function makeRegexEngine(check: () => void): new (pattern: RegExp) => Regex {
  return class implements Regex {
    lastIndex = 0;
    readonly #program: RE2JS;

    constructor(pattern: RegExp) {
      this.#program = compileRegex(pattern.source, pattern.flags);
    }

    exec(text: string): (string[] & { index: number }) | null {
      check();
      if (text.length * this.#program.programSize() > MAX_STEPS) {
        throw new Error('the text is too long for this regex');
      }
      const matcher = this.#program.matcher(text);
      if (this.lastIndex > text.length || !matcher.find(this.lastIndex)) {
        this.lastIndex = 0;
        return null;
      }
      this.lastIndex = matcher.end();
      const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, group) => matcher.group(group) ?? '');
      return Object.assign(groups, { index: matcher.start() });
    }
  };
}
