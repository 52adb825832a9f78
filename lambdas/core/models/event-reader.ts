// Reads the `data:` of server-sent events from chunks that may end anywhere.

export function makeEventReader(onData: (data: string) => void) {
  const decoder = new TextDecoder();
  let rest = '';
  const readLines = (text: string): void => {
    const lines = (rest + text).split(/\r\n|\n|\r/);
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) onData(line.slice('data:'.length).trim());
  };
  return {
    push: (chunk: Uint8Array): void => readLines(decoder.decode(chunk, { stream: true })),
    end: (): void => readLines(`${decoder.decode()}\n`),
  };
}
