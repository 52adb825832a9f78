// What is imported and made with its first use, because most processes never need it: a cold start does not load it.

/** The same value each time; after a failure the next use tries again. */
export function onFirstUse<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
