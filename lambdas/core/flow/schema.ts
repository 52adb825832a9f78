// The format as JSON Schema, for editors and other tools: built from the schemas that check it, so the two cannot differ.
// It says less than the compiler: references, scopes and cycles are beyond it.

import * as z from 'zod';
import type { Json, JsonObject } from '../json.ts';
import { MAX_NODES } from '../limits.ts';
import type { NodeKinds } from './compile.ts';
import { ID } from './fields.ts';
import { flowShape, nodeShape } from './shapes.ts';

export function flowSchema(kinds: NodeKinds): JsonObject {
  const nodes = Object.values(kinds).map(({ type, summary, with: fields }) =>
    nodeShape
      .extend({ type: z.literal(type), with: fields.safeParse({}).success ? fields.optional() : fields })
      .meta({ title: type, description: summary }),
  );
  const node = z.union(nodes).meta({ id: 'node' });
  const flow = flowShape.extend({ nodes: z.record(z.string().regex(ID), node) });
  const schema = z.toJSONSchema(flow, { io: 'input', unrepresentable: 'any' }) as unknown as JsonObject;
  const root = schema as { properties: Record<string, JsonObject>; $defs: { node: { anyOf: JsonObject[] } } };
  const map: Json = { ...root.properties['nodes'], minProperties: 1, maxProperties: MAX_NODES };
  root.properties['nodes'] = map;
  for (const kind of root.$defs.node.anyOf) {
    describeInside(kind, map);
    describeFields(kind, kinds);
  }
  return { ...schema, title: 'Errand flow, format 1' };
}

/** What an editor shows for a field of `with`. */
function describeFields(kind: JsonObject, kinds: NodeKinds): void {
  const { title, properties } = kind as {
    title: string;
    properties: { with?: { properties?: Record<string, JsonObject> } };
  };
  const written = properties.with?.properties ?? {};
  for (const [name, description] of Object.entries(kinds[title]?.fields ?? {})) {
    written[name] = { ...written[name], description };
  }
}

/** The nodes of a group are like those of the flow. */
function describeInside(kind: JsonObject, nodes: JsonObject): void {
  const { title, properties } = kind as { title?: string; properties?: { with?: { properties?: JsonObject } } };
  if (title === 'group' && properties?.with?.properties) properties.with.properties['nodes'] = nodes;
}
