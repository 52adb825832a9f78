// Asks a model for JSON that fits a schema; a wrong answer gets one chance of repair.

import type { Json, JsonObject } from '../../json.ts';
import { parseKeepingNumbers } from '../../parse/exact-json.ts';
import type { ModelAnswer, ModelMessage, ModelRequest } from '../../ports/models.ts';
import type { Asking } from './ask.ts';

export type Data = { data: Json; text: string } | { problems: string[]; text: string };

/** Models often put JSON into a code fence. */
function parseJson(text: string): Json | undefined {
  const bare = text.trim().replace(/^```(?:json)?\s*([\s\S]*?)\s*```$/, '$1');
  try {
    return parseKeepingNumbers(bare);
  } catch {
    return undefined;
  }
}

async function checkAnswer(text: string, schema: JsonObject): Promise<Data> {
  const data = parseJson(text);
  if (data === undefined) return { problems: ['is not JSON'], text };
  const { findSchemaProblems } = await import('../../flow/value-schema.ts');
  const problems = findSchemaProblems(schema, data);
  return problems.length > 0 ? { problems, text } : { data, text };
}

const buildInstruction = (schema: JsonObject): ModelMessage => ({
  role: 'system',
  content: `Answer with JSON only, that fits this JSON Schema: ${JSON.stringify(schema)}`,
});

const pickMetadata = ({ finishReason, reasoning }: ModelAnswer) => ({
  finishReason,
  reasoning,
});

export async function askForData(
  asking: Asking,
  request: Omit<ModelRequest, 'model' | 'timeoutMs' | 'signal' | 'onText'> & { schema: JsonObject },
): Promise<Data & Pick<ModelAnswer, 'finishReason' | 'reasoning'>> {
  const { schema, ...rest } = request;
  const messages = [buildInstruction(schema), ...request.messages];
  const first = await asking.ask({ ...rest, messages, schema });
  const judgment = await checkAnswer(first.text, schema);
  if ('data' in judgment) return { ...judgment, ...pickMetadata(first) };
  const repair = `That ${judgment.problems.join('; ')}. Answer again, with the JSON only.`;
  const again = await asking.ask({
    ...rest,
    messages: [...messages, { role: 'assistant', content: first.text }, { role: 'user', content: repair }],
    schema,
  });
  return { ...(await checkAnswer(again.text, schema)), ...pickMetadata(again) };
}
