// Resolves CloudFormation's intrinsic functions and conditions. What a resource's Ref or attribute is worth is
// decided by whoever calls; an intrinsic that is not known here stops the boot.

export interface References {
  ref(logicalId: string): unknown;
  attribute(logicalId: string, name: string): unknown;
  conditions: Record<string, unknown>;
}

/** What `AWS::NoValue` resolves to: the property or list entry that holds it disappears. */
const ABSENT = Symbol('AWS::NoValue');

export function resolve(value: unknown, references: References): unknown {
  const resolved = walk(value, references);
  return resolved === ABSENT ? undefined : resolved;
}

function walk(value: unknown, references: References): unknown {
  if (Array.isArray(value)) return value.map((entry) => walk(entry, references)).filter((entry) => entry !== ABSENT);
  if (typeof value === 'string') return refuseDynamicReference(value);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first && isIntrinsic(first[0])) return apply(first[0], first[1], references);
  const kept = entries.map(([key, entry]) => [key, walk(entry, references)]).filter(([, entry]) => entry !== ABSENT);
  return Object.fromEntries(kept);
}

// A JSON Schema's "Condition" or a header named "Ref" is never the only key of an object, so one key is enough to know an intrinsic function.
function isIntrinsic(key: string): boolean {
  return key === 'Ref' || key.startsWith('Fn::');
}

function refuseDynamicReference(text: string): string {
  if (text.includes('{{resolve:')) throw new Error(`Dynamic references are not resolved locally: ${text}`);
  return text;
}

function apply(name: string, argument: unknown, references: References): unknown {
  switch (name) {
    case 'Ref':
      return argument === 'AWS::NoValue' ? ABSENT : references.ref(text(argument, name));
    case 'Fn::GetAtt':
      return getAttribute(argument, references);
    case 'Fn::Join': {
      const [separator, parts] = list(argument, name);
      return list(walk(parts, references), name).join(text(separator, name));
    }
    case 'Fn::Sub':
      return substitute(argument, references);
    case 'Fn::Select': {
      const [index, choices] = list(argument, name);
      return list(walk(choices, references), name)[Number(index)];
    }
    case 'Fn::Split': {
      const [separator, source] = list(argument, name);
      return text(walk(source, references), name).split(text(separator, name));
    }
    case 'Fn::If': {
      const [condition, whenTrue, whenFalse] = list(argument, name);
      return walk(holds({ Condition: condition }, references) ? whenTrue : whenFalse, references);
    }
    default:
      throw new Error(`${name} is not resolved locally`);
  }
}

/** Whether a condition of the template holds. */
export function holds(condition: unknown, references: References): boolean {
  const [name, argument] = Object.entries(condition ?? {})[0] ?? [];
  switch (name) {
    case 'Condition': {
      const named = references.conditions[text(argument, name)];
      if (named === undefined) throw new Error(`The template has no condition '${String(argument)}'`);
      return holds(named, references);
    }
    case 'Fn::Equals': {
      const [left, right] = list(walk(argument, references), name);
      return left === right;
    }
    case 'Fn::Not':
      return !holds(list(argument, name)[0], references);
    case 'Fn::And':
      return list(argument, name).every((part) => holds(part, references));
    case 'Fn::Or':
      return list(argument, name).some((part) => holds(part, references));
    default:
      throw new Error(`The condition ${JSON.stringify(condition)} is not understood locally`);
  }
}

function getAttribute(argument: unknown, references: References): unknown {
  const [logicalId, ...attribute] = typeof argument === 'string' ? argument.split('.') : list(argument, 'Fn::GetAtt');
  return references.attribute(text(logicalId, 'Fn::GetAtt'), attribute.join('.'));
}

function substitute(argument: unknown, references: References): string {
  const [template, variables] = Array.isArray(argument) ? argument : [argument, {}];
  const named = walk(variables, references) as Record<string, unknown>;
  return text(template, 'Fn::Sub').replace(/\$\{(!?)([^}]+)\}/g, (_whole, literal: string, name: string) => {
    if (literal) return `\${${name}}`;
    if (Object.hasOwn(named, name)) return String(named[name]);
    return String(name.includes('.') ? getAttribute(name, references) : references.ref(name));
  });
}

function list(value: unknown, where: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${where} must be a list, not ${JSON.stringify(value)}`);
}

function text(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${where} must be text, not ${JSON.stringify(value)}`);
}
