import {util} from '@tensorflow/tfjs-core';
import {listOf, type KernelNode, type Value} from './graph.js';

/** What a node is in a fused group. Views are reshapes that only add or drop dimensions of size 1. */
export type Role = 'elementwise' | 'reduction' | 'view';

/**
 * The space that a group iterates over, and where in it each value lies: a value has an element for each position along its axes, in
 * row-major order, and is the same along the others.
 */
export interface Layout {
  /** Sizes of the axes, from the outermost. None has size 1. */
  readonly sizes: readonly number[];
  /** So many axes are outer loops; the others are one row, over which inner loops run. */
  readonly outer: number;
  /** The axes of each value of the group, in order. */
  readonly axesOf: ReadonlyMap<Value, readonly number[]>;
}

/** The dimensions over which a reduction reduces. */
export function reducedDims({attrs, inputs}: KernelNode): readonly number[] {
  const axis = (attrs['axis'] ?? attrs['reductionIndices']) as number | number[] | undefined;
  const {shape} = listOf(inputs)[0]!;
  return util.parseAxisParam(axis ?? shape.map((_, dim) => dim), [...shape]);
}

const realDims = ({shape}: Value): number[] =>
  shape.flatMap((size, dim) => (size === 1 ? [] : [dim]));

/** Axes of a space as bits, the outermost lowest. */
type Axes = number;

const allOf = (rank: number): Axes => 2 ** rank - 1;

const listOfAxes = (axes: Axes): number[] => {
  const list: number[] = [];
  for (let axis = 0; axes >> axis !== 0; axis++) if ((axes >> axis) & 1) list.push(axis);
  return list;
};

const toAxes = (list: readonly number[]): Axes =>
  list.reduce((axes, axis) => axes | (1 << axis), 0);

/** Whether they are the outermost axes. */
const isPrefix = (axes: Axes): boolean => (axes & (axes + 1)) === 0;

/** What decides how many axes of a space are outer loops. Each set is small, whatever the number of nodes. */
interface Demands {
  /** Axes of each value. */
  readonly values: ReadonlySet<Axes>;
  /** Axes of what nodes give that are no reductions. */
  readonly computed: ReadonlySet<Axes>;
  /** Axes of what reductions take. */
  readonly reduced: ReadonlySet<Axes>;
  /** Axes of what reductions give, where the group itself uses it. */
  readonly rows: ReadonlySet<Axes>;
}

/** How many axes are outer loops: as few as possible; null where the demands contradict each other. */
function outerAxes(rank: number, {values, computed, reduced, rows}: Demands): number | null {
  const all = allOf(rank);
  const isWhole = (outer: number): boolean =>
    [...values].every((axes) => {
      const inside = axes >> outer;
      return inside === 0 || inside === all >> outer;
    });
  if ([...reduced].some((axes) => axes !== all)) return null;
  if (rows.size > 1 || ![...computed, ...rows].every(isPrefix)) return null;
  const partial = [...computed].filter((axes) => axes !== all);
  const least = listOfAxes(Math.max(0, ...partial)).length;
  const [row] = rows;
  if (row !== undefined) {
    const outer = listOfAxes(row).length;
    return outer >= least && isWhole(outer) ? outer : null;
  }
  for (let outer = least; outer < rank; outer++) if (isWhole(outer)) return outer;
  return rank;
}

/**
 * The space of a group that grows:
 * - every value that is computed, except by a reduction at the group's end, varies along all axes, or along the first few;
 * - reductions whose results the group uses reduce the same last axes;
 * - no value varies along a part of a row.
 *
 * So one of the values varies along all axes, and a space that joins another lies within it, or the other way round.
 */
export class Space {
  private constructor(
    private readonly sizes: readonly number[],
    private readonly axesOf: Map<Value, Axes>,
    private readonly demands: Demands,
  ) {}

  /** The space of one node, which has one output. */
  static of(node: KernelNode, role: Role): Space {
    const output = node.outputs[0]!;
    const inputs = listOf(node.inputs);
    const widest = role === 'reduction' ? inputs[0]! : output;
    const dims = realDims(widest);
    const all = allOf(dims.length);
    const axesOf = new Map<Value, Axes>();
    if (role === 'elementwise') {
      for (const input of inputs) {
        const missing = output.shape.length - input.shape.length;
        axesOf.set(input, toAxes(realDims(input).map((dim) => dims.indexOf(dim + missing))));
      }
    } else {
      axesOf.set(inputs[0]!, all);
    }
    const reduced = role === 'reduction' ? reducedDims(node) : [];
    const kept = dims.flatMap((dim, axis) => (reduced.includes(dim) ? [] : [axis]));
    axesOf.set(output, toAxes(kept));
    const isReduction = role === 'reduction';
    return new Space(
      dims.map((dim) => widest.shape[dim]!),
      axesOf,
      {
        values: new Set(axesOf.values()),
        computed: new Set(isReduction ? [] : [all]),
        reduced: new Set(isReduction ? [all] : []),
        rows: new Set(),
      },
    );
  }

  /**
   * The common space of two groups, or null. It takes over what the two hold, when it is asked for: they can't be used any more.
   *
   * @param shared  the values that both have
   * @param reductions  those of them that a reduction of one gives to the other
   */
  join(other: Space, shared: readonly Value[], reductions: readonly Value[]): (() => Space) | null {
    const [wide, narrow] = this.sizes.length >= other.sizes.length ? [this, other] : [other, this];
    const places = narrow.placesIn(wide, shared);
    if (places === null) return null;
    const moved = (axes: Axes): Axes => toAxes(listOfAxes(axes).map((axis) => places[axis]!));
    const both = (demand: keyof Demands): Set<Axes> =>
      new Set([...wide.demands[demand], ...[...narrow.demands[demand]].map(moved)]);
    const demands: Demands = {
      values: both('values'),
      computed: both('computed'),
      reduced: both('reduced'),
      rows: new Set([...both('rows'), ...reductions.map((value) => wide.axesOf.get(value)!)]),
    };
    if (outerAxes(wide.sizes.length, demands) === null) return null;
    return () => {
      const isSame = places.length === wide.sizes.length;
      // The smaller list moves where it can.
      const [from, to] =
        isSame && narrow.axesOf.size > wide.axesOf.size
          ? [wide.axesOf, narrow.axesOf]
          : [narrow.axesOf, wide.axesOf];
      for (const [value, axes] of from) to.set(value, isSame ? axes : moved(axes));
      return new Space(wide.sizes, to, demands);
    };
  }

  /**
   * How the group computes its nodes, some of which may have left it since.
   * @param nodes  in an order in which they can run
   */
  layout(nodes: readonly KernelNode[], roleOf: (node: KernelNode) => Role): Layout {
    const used = new Set(nodes.flatMap((node) => listOf(node.inputs)));
    const isReduction = (node: KernelNode): boolean => roleOf(node) === 'reduction';
    const axesOf = (value: Value): Axes => this.axesOf.get(value)!;
    const outputs = nodes.map((node) => node.outputs[0]!);
    const reductions = nodes.filter(isReduction);
    const rows = reductions.map((node) => node.outputs[0]!).filter((value) => used.has(value));
    const values = [...used, ...outputs];
    const outer = outerAxes(this.sizes.length, {
      values: new Set(values.map(axesOf)),
      computed: new Set(
        nodes.filter((node) => !isReduction(node)).map((node) => axesOf(node.outputs[0]!)),
      ),
      reduced: new Set(reductions.map((node) => axesOf(listOf(node.inputs)[0]!))),
      rows: new Set(rows.map(axesOf)),
    });
    if (outer === null) throw new Error('a fused group has no common space');
    return {
      sizes: this.sizes,
      outer,
      axesOf: new Map(values.map((value) => [value, listOfAxes(axesOf(value))])),
    };
  }

  /** Which axes of another space, all and in order, the axes of this one are; null where values that both have say otherwise. */
  private placesIn(other: Space, shared: readonly Value[]): number[] | null {
    const places: number[] = this.sizes.map(() => -1);
    for (const value of shared) {
      const [mine, theirs] = [this.axesOf.get(value)!, other.axesOf.get(value)!].map(listOfAxes);
      for (const [index, axis] of mine!.entries()) {
        const place = theirs![index]!;
        if (places[axis] !== -1 && places[axis] !== place) return null;
        places[axis] = place;
      }
    }
    const isInOrder = places.every((place, axis) => place > (axis === 0 ? -1 : places[axis - 1]!));
    return isInOrder ? places : null;
  }
}
