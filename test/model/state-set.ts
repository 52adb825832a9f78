// The set of all states found, numbered in the order of their discovery: a hash table over blocks of words, which takes
// a quarter of the memory of a map of strings and no time of the garbage collector.

import { STATE_WORDS } from './world.ts';

const STATES_PER_BLOCK = 1 << 14;
const FIRST_TABLE_SIZE = 1 << 16;

function hashWords(words: Uint32Array): number {
  let hash = 0x9e3779b9;
  for (let i = 0; i < STATE_WORDS; i += 1) {
    hash = Math.imul(hash ^ (words[i] as number), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

export class StateSet {
  size = 0;
  readonly #blocks: Uint32Array[] = [];
  readonly #hashes = new Integers();
  /** Number of the state + 1; 0: free. Open addressing, at most half full. */
  #table = new Int32Array(FIRST_TABLE_SIZE);

  /** The number of the state. It is new if it equals the size from before. */
  add(words: Uint32Array): number {
    const hash = hashWords(words);
    const mask = this.#table.length - 1;
    let place = hash & mask;
    for (let entry = this.#table[place]; entry; entry = this.#table[place]) {
      if (this.#hashes.get(entry - 1) === hash && this.#equals(entry - 1, words)) return entry - 1;
      place = (place + 1) & mask;
    }
    this.#table[place] = this.size + 1;
    this.#hashes.push(hash);
    this.#store(words);
    if (this.size * 2 > this.#table.length) this.#growTable();
    return this.size - 1;
  }

  /** Copies a state into `words`. */
  read(id: number, words: Uint32Array): void {
    const start = (id % STATES_PER_BLOCK) * STATE_WORDS;
    words.set(this.#getBlock(id).subarray(start, start + STATE_WORDS));
  }

  #getBlock(id: number): Uint32Array {
    return this.#blocks[Math.floor(id / STATES_PER_BLOCK)] as Uint32Array;
  }

  #store(words: Uint32Array): void {
    if (this.size % STATES_PER_BLOCK === 0) this.#blocks.push(new Uint32Array(STATES_PER_BLOCK * STATE_WORDS));
    this.#getBlock(this.size).set(words, (this.size % STATES_PER_BLOCK) * STATE_WORDS);
    this.size += 1;
  }

  #equals(id: number, words: Uint32Array): boolean {
    const block = this.#getBlock(id);
    const start = (id % STATES_PER_BLOCK) * STATE_WORDS;
    for (let i = 0; i < STATE_WORDS; i += 1) if (block[start + i] !== words[i]) return false;
    return true;
  }

  #growTable(): void {
    this.#table = new Int32Array(this.#table.length * 2);
    const mask = this.#table.length - 1;
    for (let id = 0; id < this.size; id += 1) {
      let place = this.#hashes.get(id) & mask;
      while (this.#table[place] !== 0) place = (place + 1) & mask;
      this.#table[place] = id + 1;
    }
  }
}

/** A list of integers of 32 bits. */
export class Integers {
  length = 0;
  #values = new Int32Array(1 << 12);

  push(value: number): void {
    if (this.length === this.#values.length) {
      const more = new Int32Array(this.length * 2);
      more.set(this.#values);
      this.#values = more;
    }
    this.#values[this.length] = value;
    this.length += 1;
  }

  get(index: number): number {
    return this.#values[index] as number;
  }
}
