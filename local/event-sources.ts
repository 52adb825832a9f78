// Takes messages from queues to functions, by the rules of Lambda's event source mappings. Each mapping polls on its own.

import { setTimeout as sleep } from 'node:timers/promises';
import { REGION } from './aws-names.ts';
import { partition } from './batch-answer.ts';
import type { QueueSpec } from './blueprint/storage.ts';
import type { EventSource } from './blueprint/triggers.ts';
import { callWire } from './emulators/wire.ts';
import type { Outcome } from './functions/environment.ts';

interface Message {
  MessageId: string;
  ReceiptHandle: string;
  Body: string;
  MD5OfBody: string;
  Attributes?: Record<string, string>;
  MessageAttributes?: Record<string, { StringValue?: string; BinaryValue?: string; DataType: string }>;
}

/** What a queue may do and a quiet machine never does: tests switch it on. */
export interface Chaos {
  /** Share of settled messages that come again, 0 to 1. */
  redeliver: number;
  shuffle: boolean;
}

export interface EventSourcesOptions {
  endpoint: string;
  sources: EventSource[];
  queues: QueueSpec[];
  invoke(functionName: string, payload: string): Promise<Outcome | undefined>;
  chaos?: Chaos;
}

export interface EventSources {
  /** Takes no further message and waits for the invocations that run, but not for ever. */
  stop(graceMs: number): Promise<void>;
}

const POLL_SECONDS = 20;
const RECEIVE_MAX = 10;
const RETRY_POLL_MS = 500;

export function startEventSources(options: EventSourcesOptions): EventSources {
  const pollers = options.sources.map((source) => {
    const queue = options.queues.find(({ name }) => name === source.queueArn.split(':').at(-1));
    if (!queue) throw new Error(`The event source of ${source.functionName} is not a queue of the template`);
    return new Poller(source, queue.url, options);
  });
  return {
    async stop(graceMs) {
      await Promise.all(pollers.map((poller) => poller.stop(graceMs)));
    },
  };
}

class Poller {
  readonly #source: EventSource;
  readonly #queueUrl: string;
  readonly #options: EventSourcesOptions;
  readonly #running = new Set<Promise<void>>();
  #isStopping = false;

  constructor(source: EventSource, queueUrl: string, options: EventSourcesOptions) {
    this.#source = source;
    this.#queueUrl = queueUrl;
    this.#options = options;
    void this.#poll();
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    await Promise.race([Promise.all(this.#running), sleep(graceMs, undefined, { ref: false })]);
  }

  async #poll(): Promise<void> {
    while (!this.#isStopping) {
      try {
        const batch = await this.#gather();
        if (batch.length > 0) this.#dispatch(batch);
      } catch {
        // The queue cannot be reached: at a stop for good, otherwise for a moment.
        await sleep(RETRY_POLL_MS, undefined, { ref: false });
      }
      while (this.#running.size >= this.#source.maxConcurrency) await Promise.race(this.#running);
    }
  }

  /** A batch is full, or its window is over, or there is nothing to wait for. */
  async #gather(): Promise<Message[]> {
    const { batchSize, batchWindowSeconds } = this.#source;
    const batch = await this.#receive(Math.min(batchSize, RECEIVE_MAX), POLL_SECONDS);
    const closesMs = Date.now() + batchWindowSeconds * 1_000;
    while (batch.length > 0 && batch.length < batchSize && !this.#isStopping) {
      const leftSeconds = Math.floor((closesMs - Date.now()) / 1_000);
      const more = await this.#receive(Math.min(batchSize - batch.length, RECEIVE_MAX), Math.max(leftSeconds, 0));
      batch.push(...more);
      if (more.length === 0 && leftSeconds <= 0) break;
    }
    // Messages that came while the runtime stops are given back for its next start.
    if (!this.#isStopping) return batch;
    await Promise.all(batch.map((message) => this.#showAgain(message)));
    return [];
  }

  async #receive(max: number, waitSeconds: number): Promise<Message[]> {
    const answer = await this.#call<{ Messages?: Message[] }>('ReceiveMessage', {
      MaxNumberOfMessages: max,
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    });
    return answer.Messages ?? [];
  }

  #dispatch(batch: Message[]): void {
    const invocation = this.#invoke(batch)
      .catch(() => {})
      .finally(() => this.#running.delete(invocation));
    this.#running.add(invocation);
  }

  /** What is not deleted comes again when its visibility timeout is over. */
  async #invoke(batch: Message[]): Promise<void> {
    const { functionName, queueArn, reportsItemFailures } = this.#source;
    const ordered = this.#options.chaos?.shuffle ? batch.toSorted(() => Math.random() - 0.5) : batch;
    const event = { Records: ordered.map((message) => toRecord(message, queueArn)) };
    const outcome = await this.#options.invoke(functionName, JSON.stringify(event));
    const ids = batch.map(({ MessageId }) => MessageId);
    const done = new Set(partition(ids, outcome, reportsItemFailures));
    const settled = batch.filter(({ MessageId }) => done.has(MessageId));
    const again = settled.filter(() => Math.random() < (this.#options.chaos?.redeliver ?? 0));
    await Promise.all(again.map((message) => this.#showAgain(message)));
    await this.#delete(settled.filter((message) => !again.includes(message)));
  }

  async #delete(messages: Message[]): Promise<void> {
    for (let start = 0; start < messages.length; start += RECEIVE_MAX) {
      const entries = messages
        .slice(start, start + RECEIVE_MAX)
        .map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
      const { Failed = [] } = await this.#call<{ Failed?: { Id: string }[] }>('DeleteMessageBatch', {
        Entries: entries,
      });
      const failed = entries.filter(({ Id }) => Failed.some((failure) => failure.Id === Id));
      await Promise.all(failed.map(({ ReceiptHandle }) => this.#call('DeleteMessage', { ReceiptHandle })));
    }
  }

  async #showAgain({ ReceiptHandle }: Message): Promise<void> {
    await this.#call('ChangeMessageVisibility', { ReceiptHandle, VisibilityTimeout: 0 });
  }

  #call<Answer>(operation: string, input: object): Promise<Answer> {
    return callWire<Answer>(this.#options.endpoint, `AmazonSQS.${operation}`, { QueueUrl: this.#queueUrl, ...input });
  }
}

function toRecord(message: Message, queueArn: string): object {
  const attributes = Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
    name,
    { stringValue: value.StringValue, binaryValue: value.BinaryValue, dataType: value.DataType },
  ]);
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(attributes),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: REGION,
  };
}
