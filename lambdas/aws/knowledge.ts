// Knowledge bases of Bedrock, by the names that the deployment gives them.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Retrieve.html

import type {
  BedrockAgentRuntimeClient,
  KnowledgeBaseRetrievalResult,
  RetrievalFilter,
} from '@aws-sdk/client-bedrock-agent-runtime';
import type { JsonObject } from '../core/json.ts';
import type { Knowledge, Passage, PassageFilter } from '../core/ports/models.ts';

interface KnowledgeOptions {
  /** Name in flows → id of the knowledge base. */
  bases: Readonly<Record<string, string>>;
  client?: BedrockAgentRuntimeClient;
}

export function makeKnowledge({ bases, client }: KnowledgeOptions): Knowledge {
  // Few flows look anything up: the client loads with the first that does.
  let loading: ReturnType<typeof load> | undefined;
  const load = async () => {
    const sdk = await import('@aws-sdk/client-bedrock-agent-runtime');
    // One attempt: a retry is another attempt of the node, counted and shown as such.
    return { sdk, client: client ?? new sdk.BedrockAgentRuntimeClient({ maxAttempts: 1 }) };
  };
  return {
    sources: Object.keys(bases),
    async retrieve({ source, query, topK, filter, signal }) {
      const knowledgeBaseId = bases[source];
      if (knowledgeBaseId === undefined) throw new Error(`No knowledge base is called '${source}'`);
      loading ??= load();
      const { sdk, client } = await loading;
      const search = { numberOfResults: topK, ...(filter && { filter: buildFilter(filter) }) };
      const command = new sdk.RetrieveCommand({
        knowledgeBaseId,
        retrievalQuery: { text: query },
        retrievalConfiguration: { vectorSearchConfiguration: search },
      });
      try {
        const { retrievalResults = [] } = await client.send(command, signal ? { abortSignal: signal } : {});
        return { kind: 'passages', passages: retrievalResults.flatMap(toPassage) };
      } catch (error) {
        return refusal(error, signal);
      }
    },
  };
}

/** Every key must fit; a list means any of its values. */
function buildFilter(filter: PassageFilter): RetrievalFilter {
  const parts = Object.entries(filter).map(
    ([key, value]): RetrievalFilter => (Array.isArray(value) ? { in: { key, value } } : { equals: { key, value } }),
  );
  const [only] = parts;
  return parts.length === 1 && only ? only : { andAll: parts };
}

/** An image or a video of a multimodal base has no text. */
function toPassage({ content, score, location, metadata = {} }: KnowledgeBaseRetrievalResult): Passage[] {
  if (!content?.text) return [];
  // Each kind of location has its own field, and in it its address.
  const place = Object.values(location ?? {}).find((it) => typeof it === 'object') as
    | { uri?: string; url?: string; id?: string }
    | undefined;
  const url = place?.uri ?? place?.url ?? place?.id ?? null;
  return [{ text: content.text, score: score ?? null, url, metadata: metadata as JsonObject }];
}

function refusal(error: unknown, signal: AbortSignal | undefined) {
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
  if (signal?.aborted) return { kind: 'error' as const, message: 'it was not waited for', retryable: true };
  const status = $metadata?.httpStatusCode ?? 500;
  return { kind: 'error' as const, message: `${name}: ${message}`, retryable: status === 429 || status >= 500 };
}
