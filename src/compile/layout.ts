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

/** Finds which dimensions of a group's values are the same axis. */
class Axes {
  private readonly parents: number[] = [];
  private readonly first = new Map<Value, number>();

  /** The class of a value's dimension. */
  of(value: Value, dim: number): number {
    let start = this.first.get(value);
    if (start === undefined) {
      start = this.parents.length;
      this.first.set(value, start);
      for (let i = 0; i < value.shape.length; i++) this.parents.push(start + i);
    }
    return this.root(start + dim);
  }

  join(a: Value, dimA: number, b: Value, dimB: number): void {
    const [x, y] = [this.of(a, dimA), this.of(b, dimB)];
    this.parents[Math.max(x, y)] = Math.min(x, y);
  }

  /** The classes of a value's dimensions that are not of size 1. */
  list(value: Value): number[] {
    return realDims(value).map((dim) => this.of(value, dim));
  }

  private root(index: number): number {
    while (this.parents[index] !== index) index = this.parents[index]!;
    return index;
  }
}

const realDims = ({shape}: Value): number[] =>
  shape.flatMap((size, dim) => (size === 1 ? [] : [dim]));

function joinDims(axes: Axes, node: KernelNode, role: Role): void {
  const output = node.outputs[0]!;
  const [first] = listOf(node.inputs);
  switch (role) {
    case 'elementwise':
      for (const input of listOf(node.inputs)) {
        const missing = output.shape.length - input.shape.length;
        for (const dim of realDims(input)) axes.join(input, dim, output, dim + missing);
      }
      break;
    case 'view': {
      const to = realDims(output);
      realDims(first!).forEach((dim, index) => axes.join(first!, dim, output, to[index]!));
      break;
    }
    case 'reduction': {
      const reduced = reducedDims(node);
      const kept = realDims(first!).filter((dim) => !reduced.includes(dim));
      const to = realDims(output);
      kept.forEach((dim, index) => axes.join(first!, dim, output, to[index]!));
    }
  }
}

/** Orders classes so that each value's are in order, the smallest free one first; null where values contradict each other. */
function ordered(lists: Iterable<readonly number[]>): number[] | null {
  const before = new Map<number, Set<number>>();
  for (const list of lists) {
    list.forEach((axis, index) => {
      const set = before.get(axis) ?? new Set();
      if (index > 0) set.add(list[index - 1]!);
      before.set(axis, set);
    });
  }
  const order: number[] = [];
  const rest = new Set([...before.keys()].sort((a, b) => a - b));
  while (rest.size > 0) {
    const next = [...rest].find((axis) => ![...before.get(axis)!].some((other) => rest.has(other)));
    if (next === undefined) return null;
    rest.delete(next);
    order.push(next);
  }
  return order;
}

/**
 * The space of a group, or null where these nodes have no common one:
 * - every value that is computed, except by a reduction at the group's end, varies along all axes, or along the first few;
 * - reductions whose results the group uses reduce the same last axes;
 * - no value varies along a part of a row.
 *
 * @param nodes  in an order in which they can run, each with one output
 */
export function layoutOf(
  nodes: readonly KernelNode[],
  roleOf: (node: KernelNode) => Role,
): Layout | null {
  const axes = new Axes();
  const values = new Set<Value>();
  const used = new Set<Value>();
  for (const node of nodes) {
    joinDims(axes, node, roleOf(node));
    for (const input of listOf(node.inputs)) {
      values.add(input);
      used.add(input);
    }
    values.add(node.outputs[0]!);
  }
  const lists = new Map([...values].map((value) => [value, axes.list(value)]));
  const order = ordered(lists.values());
  if (order === null) return null;
  const axesOf = new Map<Value, readonly number[]>();
  const sizes: number[] = order.map(() => 1);
  for (const [value, list] of lists) {
    const places = list.map((axis) => order.indexOf(axis));
    if (new Set(places).size < places.length) return null;
    axesOf.set(value, places);
    realDims(value).forEach((dim, index) => (sizes[places[index]!] = value.shape[dim]!));
  }
  const outer = outerAxes(nodes, roleOf, {sizes, axesOf}, used);
  return outer === null ? null : {sizes, outer, axesOf};
}

/** How many axes are outer loops: as few as possible. */
function outerAxes(
  nodes: readonly KernelNode[],
  roleOf: (node: KernelNode) => Role,
  {sizes, axesOf}: Omit<Layout, 'outer'>,
  used: ReadonlySet<Value>,
): number | null {
  const all = sizes.length;
  let least = 0;
  let rows: number | null = null;
  for (const node of nodes) {
    const places = axesOf.get(node.outputs[0]!)!;
    const isPrefix = places.every((axis, index) => axis === index);
    if (roleOf(node) === 'reduction') {
      if (axesOf.get(listOf(node.inputs)[0]!)!.length < all) return null;
      if (!used.has(node.outputs[0]!)) continue;
      if (!isPrefix || (rows !== null && rows !== places.length)) return null;
      rows = places.length;
    } else if (places.length < all) {
      if (!isPrefix) return null;
      least = Math.max(least, places.length);
    }
  }
  const isWhole = (outer: number): boolean =>
    [...axesOf.values()].every((places) => {
      const inside = places.filter((axis) => axis >= outer).length;
      return inside === 0 || inside === all - outer;
    });
  if (rows !== null) return rows >= least && isWhole(rows) ? rows : null;
  for (let outer = least; outer < all; outer++) if (isWhole(outer)) return outer;
  return all;
}
