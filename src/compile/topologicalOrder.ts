/** Visits things, each once or more often. */
export type Visit<T> = (thing: T, visit: (neighbour: T) => void) => void;

/** What a thing has to run after, and what has to run after it: directly. The thing itself may be among them. */
export interface Neighbours<T> {
  readonly before: Visit<T>;
  readonly after: Visit<T>;
}

/**
 * An order in which things can run, that stays one while things become one. Only what lies between the two in the order is looked at, and
 * only what is on a path from or to them.
 *
 * @see D. J. Pearce, P. H. J. Kelly, A dynamic topological sort algorithm for directed acyclic graphs, ACM JEA 11 (2007)
 */
export class TopologicalOrder<T> {
  private readonly places: Map<T, number>;

  constructor(
    things: readonly T[],
    private readonly neighbours: Neighbours<T>,
  ) {
    this.places = new Map(things.map((thing, place) => [thing, place]));
  }

  /**
   * Has two things become one, unless a path leads from one to the other through a third: then it changes nothing and gives false. The
   * neighbours are asked for as they were before.
   *
   * @param one  which of the two stands for both from now on
   */
  join(a: T, b: T, one: T): boolean {
    const [first, last] = this.placeOf(a) < this.placeOf(b) ? [a, b] : [b, a];
    const {before, after} = this.neighbours;
    const [start, end] = [this.placeOf(first), this.placeOf(last)];
    const later = this.between(first, last, after, (place) => place <= end);
    if (later === null) return false;
    const earlier = this.between(last, first, before, (place) => place >= start)!;
    const places = [start, ...[...earlier, ...later].map((thing) => this.placeOf(thing)), end];
    places.sort((x, y) => x - y);
    const inOrder = (things: Iterable<T>): T[] =>
      [...things].sort((x, y) => this.placeOf(x) - this.placeOf(y));
    const moved = [...inOrder(earlier), one, ...inOrder(later)];
    this.places.delete(a);
    this.places.delete(b);
    moved.forEach((thing, index) => this.places.set(thing, places[index]!));
    return true;
  }

  private placeOf(thing: T): number {
    return this.places.get(thing)!;
  }

  /** What paths lead to from a thing, no further than to another one; null if a path leads through a third thing to that one. */
  private between(
    from: T,
    to: T,
    next: Visit<T>,
    isWithin: (place: number) => boolean,
  ): Set<T> | null {
    const reached = new Set<T>();
    const pending = [from];
    let isThrough = false;
    for (let thing = pending.pop(); thing !== undefined && !isThrough; thing = pending.pop()) {
      const isFirst = thing === from;
      next(thing, (other) => {
        if (other === to) {
          isThrough ||= !isFirst;
        } else if (other !== from && !reached.has(other) && isWithin(this.placeOf(other))) {
          reached.add(other);
          pending.push(other);
        }
      });
    }
    return isThrough ? null : reached;
  }
}
