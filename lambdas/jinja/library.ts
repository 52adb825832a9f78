// The text of the library that renders Jinja: it is run inside of QuickJS, never by this process.
// A bundle holds the text itself (infra/bundle.ts).

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** CommonJS. */
export const jinjaLibrary = (): string =>
  readFileSync(createRequire(import.meta.url).resolve('@huggingface/jinja'), 'utf8');
