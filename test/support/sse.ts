// Server-sent events of a response, read as a client would: comments are skipped, events parsed.

export interface SentEvent {
  id?: string;
  event?: string;
  // biome-ignore lint/suspicious/noExplicitAny: what comes over the wire is what the test is about
  data: any;
}

export async function* sentEvents(response: Response): AsyncGenerator<SentEvent> {
  if (response.body === null) return;
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = parse(text.slice(0, end));
      text = text.slice(end + 2);
      if (event) yield event;
    }
  }
  if (text !== '') throw new Error(`The stream ends inside an event: ${text}`);
}

export async function allEvents(response: Response): Promise<SentEvent[]> {
  const events: SentEvent[] = [];
  for await (const event of sentEvents(response)) events.push(event);
  return events;
}

function parse(text: string): SentEvent | undefined {
  const fields = text.split('\n').filter((line) => !line.startsWith(':'));
  if (fields.length === 0) return undefined;
  const value = (name: string) => {
    const line = fields.find((field) => field.startsWith(`${name}: `));
    return line?.slice(name.length + 2);
  };
  const [id, event, data] = [value('id'), value('event'), value('data')];
  return { id, event, data: data && JSON.parse(data) };
}
