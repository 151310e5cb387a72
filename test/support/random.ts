/** Seeded random numbers (mulberry32): a failing test must fail again with the same numbers. */
export class Random {
  private state: number;

  /** The same words always give the same sequence; other words give an unrelated one. */
  constructor(...words: readonly (string | number)[]) {
    this.state = hash(words.join('\u0000'));
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  /** Uniform in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** A whole number in [low, high). */
  integer(low: number, high: number): number {
    return low + Math.floor((high - low) * this.next());
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.integer(0, items.length)];
    if (item === undefined) {
      throw new Error('nothing to pick from');
    }
    return item;
  }

  shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.integer(0, i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j] as T, shuffled[i] as T];
    }
    return shuffled;
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value;
}
