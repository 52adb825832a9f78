// A bounded queue between a slice that emits events and a caller who reads them. A reader who does not keep up loses what
// can be spared, and never slows the slice down.

export interface EventBuffer<Item> extends AsyncIterable<Item> {
  push(item: Item): void;
  /** The reader gets what was pushed before, then the end. */
  close(): void;
}

export function makeEventBuffer<Item>({
  size,
  canSpare,
}: {
  size: number;
  canSpare(item: Item): boolean;
}): EventBuffer<Item> {
  const items: Item[] = [];
  let isClosed = false;
  let wake = (): void => {};

  return {
    push(item) {
      if (isClosed || (items.length >= size && canSpare(item))) return;
      items.push(item);
      wake();
    },
    close() {
      isClosed = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const item = items.shift();
        if (item !== undefined) yield item;
        else if (isClosed) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
  };
}
