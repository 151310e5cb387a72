import {expect} from 'chai';
import {TopologicalOrder} from '../../src/compile/topologicalOrder.js';
import {Random} from '../support/random.js';

type Thing = Set<number>;

/** A random graph whose things become one: each is a set of numbers, with edges between numbers from lower to higher. */
function randomGraph(random: Random, size: number) {
  const edges = Array.from({length: 2 * size}, () => {
    const from = random.integer(0, size - 1);
    return [from, random.integer(from + 1, size)] as const;
  });
  const things: Thing[] = Array.from({length: size}, (_, number) => new Set([number]));
  const home = [...things];
  const after = (thing: Thing): Thing[] =>
    edges.flatMap(([from, to]) => (thing.has(from) ? [home[to]!] : []));
  const before = (thing: Thing): Thing[] =>
    edges.flatMap(([from, to]) => (thing.has(to) ? [home[from]!] : []));
  const reaches = (from: Thing, to: Thing): boolean =>
    after(from).some((next) => next !== from && (next === to || reaches(next, to)));
  /** Whether a path leads from one to the other through a third. */
  const hasPathThrough = (from: Thing, to: Thing): boolean =>
    after(from).some((next) => next !== from && next !== to && reaches(next, to));
  return {things, home, before, after, hasPathThrough};
}

describe('a topological order', () => {
  it('has two things become one exactly where no path leads through a third', () => {
    const counts = {joined: 0, refused: 0};
    for (let seed = 0; seed < 40; seed++) {
      const random = new Random(`order ${seed}`);
      const {things, home, before, after, hasPathThrough} = randomGraph(random, 14);
      const order = new TopologicalOrder(things, {
        before: (thing, visit) => before(thing).forEach(visit),
        after: (thing, visit) => after(thing).forEach(visit),
      });
      for (let step = 0; step < 40; step++) {
        const [a, b] = [random.pick(home), random.pick(home)];
        if (a === b) continue;
        const isRefused = hasPathThrough(a, b) || hasPathThrough(b, a);
        expect(order.join(a, b, a)).to.equal(!isRefused);
        counts[isRefused ? 'refused' : 'joined']++;
        if (isRefused) continue;
        for (const number of b) {
          a.add(number);
          home[number] = a;
        }
      }
    }
    expect(counts.joined).to.be.greaterThan(100);
    expect(counts.refused).to.be.greaterThan(100);
  });
});
