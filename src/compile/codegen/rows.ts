import type {Group} from '../grouping.js';
import {listOf, type KernelNode, type Value} from '../graph.js';
import {product} from '../../rules/dims.js';
import {elementwise, orderedInputs} from './elementwise.js';

/** A reduction whose result is in memory after the last row, since it puts rows together. */
export interface Accumulation {
  readonly node: KernelNode;
  /** Whether it keeps the positions of a row, and so adds rows to each other; else it puts each row together as well. */
  readonly keepsRow: boolean;
}

/** What one pass over a row does. */
export interface Phase {
  /** What is computed for each position, in order. */
  readonly nodes: readonly KernelNode[];
  /** Reductions of this pass to one number a row. */
  readonly reductions: readonly KernelNode[];
  readonly accumulations: readonly Accumulation[];
  /** What is computed once, after the pass. */
  readonly after: readonly KernelNode[];
}

/**
 * NOTE [rows]
 * A fused group is computed row by row. A row takes one pass, or several where a reduction's result is used along the same row, as in a softmax or a
 * layer norm: what an earlier pass has computed for each position is then computed again if that is cheap, or else read from memory
 * that the row has just been written to.
 */
export interface RowPlan {
  /** What is computed once a row before the first pass. */
  readonly before: readonly KernelNode[];
  readonly phases: readonly Phase[];
  /** Values that a later pass reads from a row of scratch memory. */
  readonly scratch: readonly Value[];
  /** The pass that computes a value of every position. */
  readonly phaseOf: ReadonlyMap<Value, number>;
}

/** Positions of a row. */
export const rowSizeOf = ({layout: {sizes, outer}}: Group): number => product(sizes.slice(outer));

/** Whether a value is written to memory: to a tensor that the group gives, or to a row of scratch memory. */
export const isStored = (group: Group, {scratch}: RowPlan, value: Value): boolean =>
  group.outputs.includes(value) || scratch.includes(value);

/** Whether a pass finds a value in memory: it is given to the group, or an earlier pass has stored it. */
export function isInMemory(group: Group, plan: RowPlan, value: Value, phase: number): boolean {
  const home = plan.phaseOf.get(value);
  return home === undefined || (home < phase && isStored(group, plan, value));
}

/** The outer axes along which a value varies, and how many of its elements lie between neighbours there. */
export function outerStrides({layout}: Group, value: Value): {axis: number; stride: number}[] {
  const {sizes, axesOf, outer} = layout;
  const axes = axesOf.get(value)!;
  return axes.flatMap((axis, index) =>
    axis < outer
      ? [{axis, stride: product(axes.slice(index + 1).map((inner) => sizes[inner]!))}]
      : [],
  );
}

/** Whether a value varies along a row. */
export function variesAlongRow({layout}: Group, value: Value): boolean {
  return layout.axesOf.get(value)!.some((axis) => axis >= layout.outer);
}

export function planRows(group: Group): RowPlan {
  const {nodes, roleOf} = group;
  const used = new Set(nodes.flatMap((node) => listOf(node.inputs)));
  /** The first pass that can use a value. */
  const available = new Map<Value, number>();
  const phaseOf = new Map<Value, number>();
  const before: KernelNode[] = [];
  const phases: Mutable<Phase>[] = [];
  const phase = (index: number): Mutable<Phase> =>
    (phases[index] ??= {nodes: [], reductions: [], accumulations: [], after: []});
  for (const node of nodes) {
    const output = node.outputs[0]!;
    const ready = Math.max(0, ...listOf(node.inputs).map((value) => available.get(value) ?? 0));
    if (roleOf(node) === 'reduction') {
      for (let index = phases.length; index <= ready; index++) phase(index);
      if (used.has(output) || reducesRow(group, node)) {
        phase(ready).reductions.push(node);
        available.set(output, ready + 1);
      } else {
        const keepsRow = variesAlongRow(group, output);
        phase(ready).accumulations.push({node, keepsRow});
      }
    } else if (variesAlongRow(group, output)) {
      for (let index = phases.length; index <= ready; index++) phase(index);
      phase(ready).nodes.push(node);
      phaseOf.set(output, ready);
      available.set(output, ready);
    } else {
      available.set(output, ready);
      if (ready === 0) before.push(node);
      else phase(ready - 1).after.push(node);
    }
  }
  return {before, phases, scratch: findScratch(group, phases, phaseOf), phaseOf};
}

type Mutable<T> = {-readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K]};

/** Whether a reduction reduces a row and nothing else. */
function reducesRow({layout}: Group, node: KernelNode): boolean {
  const kept = layout.axesOf.get(node.outputs[0]!)!;
  return kept.length === layout.outer && kept.every((axis) => axis < layout.outer);
}

function findScratch(
  group: Group,
  phases: readonly Phase[],
  phaseOf: ReadonlyMap<Value, number>,
): Value[] {
  const scratch = new Set<Value>();
  const need = (value: Value, index: number): void => {
    const home = phaseOf.get(value);
    if (home === undefined || home >= index) return;
    if (group.outputs.includes(value)) return;
    if (!canRepeat(value)) scratch.add(value);
    else for (const input of orderedInputs(value.node as KernelNode)) need(input, index);
  };
  phases.forEach(({nodes, reductions, accumulations}, index) => {
    for (const node of [...nodes, ...reductions, ...accumulations.map((each) => each.node)]) {
      for (const value of listOf(node.inputs)) need(value, index);
    }
  });
  return [...scratch];

  function canRepeat(value: Value): boolean {
    const node = value.node as KernelNode;
    if (group.roleOf(node) === 'view') return true;
    if (!elementwise[node.kernel]!.isCheap) return false;
    // Only from what is loaded in any case: chains would be computed again and again.
    return orderedInputs(node).every(
      (input) => !phaseOf.has(input) || group.outputs.includes(input),
    );
  }
}
