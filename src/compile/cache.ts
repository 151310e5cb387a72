/** A map that forgets, and disposes, what was not asked for the longest when it gets too large. */
export class Cache<T extends {dispose(): void}> {
  private readonly entries = new Map<string, T>();
  private found = 0;
  private made = 0;

  constructor(private readonly limit: number) {}

  /** What is kept under a key; where nothing is, `make` makes it. */
  get(key: string, make: () => T): T {
    let entry = this.entries.get(key);
    if (entry === undefined) {
      entry = make();
      this.made++;
      if (this.entries.size >= this.limit) this.forgetOldest();
    } else {
      this.found++;
      this.entries.delete(key);
    }
    this.entries.set(key, entry);
    return entry;
  }

  get info(): CacheInfo {
    return {hits: this.found, misses: this.made, size: this.entries.size};
  }

  clear(): void {
    for (const entry of this.entries.values()) entry.dispose();
    this.entries.clear();
  }

  private forgetOldest(): void {
    const [oldest] = this.entries.entries();
    if (oldest === undefined) return;
    this.entries.delete(oldest[0]);
    oldest[1].dispose();
  }
}

/** How often a compiled function found what it needed, had to compile, and for how many signatures it holds something. */
export interface CacheInfo {
  readonly hits: number;
  readonly misses: number;
  readonly size: number;
}

const identities = new WeakMap<object, number>();
let nextIdentity = 0;

/** A text for a value that is no tensor: equal for equal primitives, and for the same object or function. */
export function identityOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'symbol') return `symbol ${String(value)}`;
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) {
    return Object.is(value, -0) ? '-0' : `${typeof value} ${String(value)}`;
  }
  let identity = identities.get(value);
  if (identity === undefined) identities.set(value, (identity = nextIdentity++));
  return `#${identity}`;
}
