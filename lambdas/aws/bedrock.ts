// The provider `bedrock`: models of the account's Region by Converse, with the function's own credentials.
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html

import type {
  BedrockRuntimeClient,
  ContentBlock,
  ConverseCommandInput,
  Message,
  StopReason,
  TokenUsage,
} from '@aws-sdk/client-bedrock-runtime';
import {
  type ModelAnswer,
  ModelFault,
  type ModelMessage,
  type ModelProvider,
  type ModelRequest,
} from '../core/ports/models.ts';

const IMAGE = /^data:image\/(png|jpeg|gif|webp);base64,([A-Za-z0-9+/=]+)$/;

export function makeBedrock(options: { offers: readonly string[]; client?: BedrockRuntimeClient }): ModelProvider {
  // Few flows ask Bedrock: its client loads with the first that does.
  let loading:
    | Promise<{ sdk: typeof import('@aws-sdk/client-bedrock-runtime'); client: BedrockRuntimeClient }>
    | undefined;
  const load = async () => {
    const sdk = await import('@aws-sdk/client-bedrock-runtime');
    return { sdk, client: options.client ?? new sdk.BedrockRuntimeClient({ maxAttempts: 1 }) };
  };

  return {
    offers: options.offers,
    async generate(request) {
      if (!options.offers.includes(request.model)) {
        throw new ModelFault('model-not-configured', `This deployment does not offer the model '${request.model}'`);
      }
      loading ??= load();
      const { sdk, client } = await loading;
      const input = buildInput(request);
      const signal = AbortSignal.any([
        AbortSignal.timeout(request.timeoutMs),
        ...(request.signal ? [request.signal] : []),
      ]);
      try {
        if (!request.onText)
          return readAnswer(await client.send(new sdk.ConverseCommand(input), { abortSignal: signal }));
        const { stream = [] } = await client.send(new sdk.ConverseStreamCommand(input), { abortSignal: signal });
        return await readStream(stream as AsyncIterable<StreamEvent>, request.onText);
      } catch (error) {
        throw toFault(error);
      }
    },
  };
}

function buildInput({ model, messages, extra, ...request }: ModelRequest): ConverseCommandInput {
  const { temperature, topP, maxTokens, stop, reasoning } = request;
  if (reasoning) {
    // Each family of models has its own switch for it.
    throw new ModelFault('node-failed', "Bedrock has no common `reasoning`: use `extra` with the model's own fields");
  }
  const system = messages.filter(({ role }) => role === 'system').map(({ content }) => ({ text: content }));
  return {
    modelId: model,
    messages: messages.filter(({ role }) => role !== 'system').map(buildMessage),
    ...(system.length > 0 && { system }),
    additionalModelRequestFields: extra,
    inferenceConfig: {
      temperature,
      topP,
      maxTokens,
      stopSequences: stop,
    },
  };
}

function buildMessage({ role, content, images = [] }: ModelMessage): Message {
  const pictures = images.map((url): ContentBlock => {
    const [, format, data] = IMAGE.exec(url) ?? [];
    if (format === undefined || data === undefined) {
      throw new ModelFault('node-failed', 'Bedrock takes images as data: URLs of png, jpeg, gif or webp');
    }
    return { image: { format: format as 'png', source: { bytes: Buffer.from(data, 'base64') } } };
  });
  return { role: role === 'assistant' ? 'assistant' : 'user', content: [{ text: content }, ...pictures] };
}

interface StreamEvent {
  contentBlockDelta?: { delta?: { text?: string; reasoningContent?: { text?: string } } };
  messageStop?: { stopReason?: StopReason };
  metadata?: { usage?: TokenUsage };
}

async function readStream(stream: AsyncIterable<StreamEvent>, onText: (text: string) => void): Promise<ModelAnswer> {
  let text = '';
  let reasoning = '';
  let stop: StopReason | undefined;
  let usage: TokenUsage | undefined;
  for await (const event of stream) {
    const delta = event.contentBlockDelta?.delta?.text ?? '';
    if (delta !== '') onText(delta);
    text += delta;
    reasoning += event.contentBlockDelta?.delta?.reasoningContent?.text ?? '';
    stop = event.messageStop?.stopReason ?? stop;
    usage = event.metadata?.usage ?? usage;
  }
  if (stop === undefined) throw new ModelFault('model-unavailable', 'The answer of the model broke off');
  return { text, ...(reasoning !== '' && { reasoning }), finishReason: readFinish(stop), ...countTokens(usage) };
}

function readAnswer(output: {
  output?: { message?: Message | undefined } | undefined;
  stopReason?: StopReason | undefined;
  usage?: TokenUsage | undefined;
}): ModelAnswer {
  const blocks = output.output?.message?.content ?? [];
  const text = blocks.map((block) => block.text ?? '').join('');
  const reasoning = blocks.map((block) => block.reasoningContent?.reasoningText?.text ?? '').join('');
  return {
    text,
    ...(reasoning !== '' && { reasoning }),
    finishReason: readFinish(output.stopReason),
    ...countTokens(output.usage),
  };
}

const countTokens = (usage: TokenUsage | undefined) => ({
  inputTokens: usage?.inputTokens ?? 0,
  outputTokens: usage?.outputTokens ?? 0,
});

function readFinish(reason: StopReason | undefined): ModelAnswer['finishReason'] {
  if (reason === 'max_tokens') return 'length';
  if (reason === 'content_filtered' || reason === 'guardrail_intervened') return 'filtered';
  return reason === 'end_turn' || reason === 'stop_sequence' ? 'stop' : 'other';
}

function toFault(error: unknown): ModelFault {
  if (error instanceof ModelFault) return error;
  const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
  const said = `Bedrock: ${message}`;
  if (name === 'ThrottlingException' || name === 'ServiceQuotaExceededException')
    return new ModelFault('model-quota', said, { cause: error });
  if (name === 'AccessDeniedException' || name === 'ResourceNotFoundException')
    return new ModelFault('model-not-configured', said, { cause: error });
  if (name === 'ValidationException') return new ModelFault('node-failed', said, { cause: error });
  return new ModelFault('model-unavailable', `${said} (${$metadata?.httpStatusCode ?? name})`, { cause: error });
}
