// Null to JSONata's functions. A flow records nothing as null (a skipped node, an absent input, a filter without a hit),
// so to a function a null is what is missing is: `$count` of it is 0, `$exists` of it is false.

export interface NativeFunction {
  implementation: (...args: unknown[]) => unknown;
  signature?: { validate(args: unknown[], context: unknown): unknown[] };
}

/** Of these every argument may be missing, of the others the first. */
const JOINING: ReadonlySet<string> = new Set(['append', 'zip']);
/** These are about the value itself, whatever it is. */
const LITERAL: ReadonlySet<string> = new Set(['string', 'type', 'assert']);
/** What is missing is false. JSONata gives nothing for it, and `$not` of nothing would be false, too. */
const TRUTH: ReadonlySet<string> = new Set(['boolean', 'not']);

export function takeNullAsMissing(name: string, native: NativeFunction): NativeFunction {
  if (LITERAL.has(name)) return native;
  const clean = (args: unknown[]): unknown[] => args.map((arg, index) => cleanArgument(name, arg, index));
  const { signature } = native;
  const implementation = function (this: unknown, ...args: unknown[]): unknown {
    return native.implementation.apply(this, clean(args));
  };
  // JSONata passes a function as many arguments as it declares.
  Object.defineProperty(implementation, 'length', { value: native.implementation.length });
  return {
    ...native,
    implementation,
    ...(signature && {
      signature: { ...signature, validate: (args, context) => signature.validate(clean(args), context) },
    }),
  };
}

function cleanArgument(name: string, arg: unknown, index: number): unknown {
  if (TRUTH.has(name)) return arg === undefined ? null : arg;
  return arg === null && (index === 0 || JOINING.has(name)) ? undefined : arg;
}
