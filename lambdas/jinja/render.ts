// Renders Jinja inside of QuickJS, a JavaScript engine in WebAssembly: a template has a small memory of its own and a
// short time, and it cannot access anything of this process.

import type { QuickJSContext, QuickJSWASMModule } from 'quickjs-emscripten-core';
import { JINJA_MEMORY_MB, JINJA_TIMEOUT_MS, JINJA_VARS_CHARS, MAX_TEMPLATE_CHARS } from '../core/limits.ts';
import type { Jinja, JinjaEnd } from '../core/ports/runners.ts';

const PAGE_BYTES = 64 * 1_024;
// The module is built to start with this many.
const FIRST_PAGES = 256;
const PAGES = (JINJA_MEMORY_MB * 1_024 * 1_024) / PAGE_BYTES;
// From 512 KiB on, QuickJS uses up the stack of this process before its own limit stops it.
const STACK_BYTES = 256 * 1_024;

const { Memory } = (globalThis as unknown as { WebAssembly: WebAssemblyOfNode }).WebAssembly;
interface WebAssemblyOfNode {
  Memory: new (size: { initial: number; maximum: number }) => object;
}

// Jinja's own defaults for blanks around tags; the library's are those of chat templates.
const RENDER = `(() => {
  const { Template, parse, tokenize } = library.exports;
  const template = new Template('');
  template.parsed = parse(tokenize(text, { lstrip_blocks: false, trim_blocks: false }));
  const rendered = template.render(JSON.parse(vars));
  return rendered.length > ${MAX_TEMPLATE_CHARS} ? null : rendered;
})()`;

type Sandbox = typeof import('quickjs-emscripten-core') & { module: QuickJSWASMModule; library: string };

const failed = (message: string): JinjaEnd => ({ kind: 'failed', message });

export function makeJinja(): Jinja {
  let sandbox: Promise<Sandbox> | undefined;
  return {
    async render({ text, vars }) {
      const json = JSON.stringify(vars);
      if (json.length > JINJA_VARS_CHARS) return failed(`it sees more than ${JINJA_VARS_CHARS} characters of data`);
      const attempt = async () => {
        sandbox ??= openSandbox();
        return renderIn(await sandbox, { text, vars: json });
      };
      // The state of a module after a crash is unknown, and another template may have crashed it.
      const reopen = () => {
        sandbox = undefined;
        return attempt();
      };
      return attempt()
        .catch(reopen)
        .catch((error: Error) => {
          sandbox = undefined;
          return failed(`its sandbox crashed (${error.message})`);
        });
    },
  };
}

async function openSandbox(): Promise<Sandbox> {
  const [core, { default: variant }, { jinjaLibrary }] = await Promise.all([
    import('quickjs-emscripten-core'),
    import('@jitl/quickjs-singlefile-mjs-release-sync'),
    import('./library.ts'),
  ]);
  // QuickJS's own limit does not count many small strings; this one counts everything.
  const wasmMemory = new Memory({ initial: FIRST_PAGES, maximum: PAGES });
  const module = await core.newQuickJSWASMModuleFromVariant(core.newVariant(variant, { wasmMemory }));
  return { ...core, module, library: jinjaLibrary() };
}

function renderIn({ module, library, ...core }: Sandbox, { text, vars }: { text: string; vars: string }): JinjaEnd {
  const runtime = module.newRuntime({ maxStackSizeBytes: STACK_BYTES });
  // A resumed run must render the same text again.
  const context = runtime.newContext({ intrinsics: { ...core.DefaultIntrinsics, Date: false } });
  try {
    evaluate(
      context,
      `const library = { exports: {} }; ((module, exports) => {${library}\n})(library, library.exports)`,
    );
    for (const [name, value] of Object.entries({ text, vars })) {
      context.newString(value).consume((handle) => context.setProp(context.global, name, handle));
    }
    runtime.setInterruptHandler(core.shouldInterruptAfterDeadline(Date.now() + JINJA_TIMEOUT_MS));
    const end = evaluate(context, RENDER);
    if ('error' in end) return failed(explain(end.error));
    if (end.value === null) return failed(`its text is longer than ${MAX_TEMPLATE_CHARS} characters`);
    return { kind: 'rendered', text: end.value };
  } finally {
    context.dispose();
    runtime.dispose();
  }
}

function evaluate(context: QuickJSContext, code: string): { value: string | null } | { error: string } {
  const result = context.evalCode(code);
  if (result.error) {
    const error: unknown = result.error.consume((handle) => context.dump(handle));
    return { error: String((error as { message?: string } | null)?.message ?? error) };
  }
  const value: unknown = result.value.consume((handle) => context.dump(handle));
  return { value: typeof value === 'string' ? value : null };
}

function explain(message: string): string {
  if (message === 'interrupted') return `it takes longer than ${JINJA_TIMEOUT_MS} ms`;
  if (message === 'out of memory') return `it takes more than ${JINJA_MEMORY_MB} MB of memory`;
  if (message === 'stack overflow') return 'it is nested too deeply';
  return message.split('\n', 1)[0] ?? message;
}
