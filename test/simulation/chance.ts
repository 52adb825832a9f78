// Everything that a simulation draws comes from here: the same seed draws the same.

export interface Chance {
  /** Uniform in [0, 1). */
  random(): number;
  /** Both ends included. */
  int(min: number, max: number): number;
  happens(probability: number): boolean;
  pick<Item>(from: readonly Item[]): Item;
}

/** SFC32, seeded by SplitMix32: https://pracrand.sourceforge.net/RNG_engines.txt */
export function makeChance(seed: number): Chance {
  let state = seed | 0;
  const split = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) | 0;
  };
  let [a, b, c, counter] = [split(), split(), split(), 1];

  function random(): number {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  }
  const int = (min: number, max: number): number => min + Math.floor(random() * (max - min + 1));

  for (let round = 0; round < 12; round += 1) random();
  return {
    random,
    int,
    happens: (probability) => random() < probability,
    pick<Item>(from: readonly Item[]): Item {
      return from[int(0, from.length - 1)] as Item;
    },
  };
}
