import type {DataType, Tensor} from '@tensorflow/tfjs-core';
import {TransformError, showShape} from '../errors.js';
import {engine, nextTensorId} from '../interpreter/engine.js';
import type {Level} from '../interpreter/level.js';
import {scoped} from '../interpreter/scope.js';
import {alias, own, TraceRecord} from '../interpreter/tracer.js';
import {add, sameShape, zeros} from '../rules/ops.js';

/** A tensor on a tape: its value, and the call that made it. */
export class TapeRecord extends TraceRecord {
  constructor(
    level: Level,
    readonly primal: Tensor,
    readonly node: TapeNode,
    readonly output: number,
  ) {
    super(level);
  }

  protected free(): void {
    this.primal.dispose();
  }

  read(): Tensor {
    return this.primal;
  }
}

/** Gets the cotangent of each output; gives one for each parent that is there (undefined: zero). */
export type Pull = (dys: Tensor[]) => (Tensor | undefined)[];

interface OutputSpec {
  readonly shape: readonly number[];
  readonly dtype: DataType;
}

let nextNodeId = 0;

/** One call on the tape. A leaf, an input of the differentiated function, has no parents. */
export class TapeNode {
  readonly id = nextNodeId++;
  outputs: readonly OutputSpec[] = [];

  constructor(
    /** What ran: a kernel, for messages. */
    readonly name: string,
    /** The inputs as records of the same tape; null for constants. */
    readonly parents: readonly (TapeRecord | null)[],
    private readonly pull: Pull,
    private release: (() => void) | null,
  ) {}

  get isLeaf(): boolean {
    return this.parents.length === 0;
  }

  /** Cotangents of the parents from those of the outputs. */
  pullBack(dys: readonly (Tensor | undefined)[]): (Tensor | undefined)[] {
    const filled = this.outputs.map(({shape, dtype}, index) => dys[index] ?? zeros(shape, dtype));
    const cotangents = this.pull(filled);
    cotangents.forEach((cotangent, index) => {
      const parent = this.parents[index];
      if (cotangent === undefined || !parent) return;
      const {primal, level} = parent;
      assertCotangentShape(this.name, cotangent, primal.shape, index, level.transform);
    });
    return cotangents;
  }

  /** Frees what the node keeps alive for its pullback. */
  free(): void {
    this.release?.();
    this.release = null;
  }
}

/** Refuses what a gradient function of the user's gave for an input of another shape. */
export function assertCotangentShape(
  kernel: string,
  cotangent: Tensor,
  shape: readonly number[],
  index: number,
  transform: string,
): void {
  if (sameShape(cotangent.shape, shape)) return;
  throw new TransformError(
    `the gradient of '${kernel}' gave a cotangent of shape ${showShape(cotangent.shape)} for input ${index}, whose shape is ` +
      `${showShape(shape)}. A cotangent has the shape of its input.`,
    {code: 'kernel-failed', transform, kernel},
  );
}

/** Where a cotangent enters the tape. */
export interface Seed {
  readonly record: TapeRecord;
  readonly cotangent: Tensor;
}

/** All calls between the inputs and the outputs of a function, in the order in which they ran. */
export class Tape {
  private nodes: TapeNode[] = [];

  push(node: TapeNode): void {
    this.nodes.push(node);
  }

  /** Forgets, and frees, the calls that the given outputs do not depend on. */
  prune(outputs: readonly TapeRecord[]): void {
    const needed = reachable(outputs);
    for (const node of this.nodes) if (!needed.has(node)) node.free();
    this.nodes = this.nodes.filter((node) => needed.has(node));
  }

  free(): void {
    for (const node of this.nodes) node.free();
    this.nodes = [];
  }

  /**
   * Cotangents of the leaves, from the last call to the first.
   * @param freeing  frees each call's residuals as soon as they were used: the tape is then used up
   * @returns  for each leaf its cotangent, a tensor of the open scope; null where no seed depends on it
   */
  pullBack(
    seeds: readonly Seed[],
    leaves: readonly TapeRecord[],
    freeing: boolean,
  ): (Tensor | null)[] {
    const cotangents = new Cotangents();
    return scoped('pullback', (results) => {
      try {
        for (const {record, cotangent} of seeds) cotangents.add(record, cotangent, Infinity);
        const needed = reachable(seeds.map(({record}) => record));
        for (let index = this.nodes.length - 1; index >= 0; index--) {
          const node = this.nodes[index]!;
          if (needed.has(node)) cotangents.passThrough(node);
          if (freeing) node.free();
        }
        const pulled = leaves.map((leaf) => cotangents.result(leaf));
        results.push(...pulled.filter((cotangent) => cotangent !== null));
        return pulled;
      } finally {
        cotangents.free();
      }
    });
  }
}

function reachable(records: readonly TapeRecord[]): Set<TapeNode> {
  const nodes = new Set<TapeNode>();
  const open = records.map(({node}) => node);
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (nodes.has(node)) continue;
    nodes.add(node);
    for (const parent of node.parents) if (parent !== null) open.push(parent.node);
  }
  return nodes;
}

/** The cotangents that are known so far. They are owned here, see NOTE [ownership]. */
class Cotangents {
  private readonly known = new Map<TapeNode, (Tensor | undefined)[]>();

  add({node, output}: TapeRecord, cotangent: Tensor, mark: number): void {
    let ofNode = this.known.get(node);
    if (ofNode === undefined) this.known.set(node, (ofNode = []));
    const sofar = ofNode[output];
    if (sofar === undefined) {
      ofNode[output] = own(cotangent, mark);
    } else {
      ofNode[output] = own(add(sofar, cotangent), mark);
      sofar.dispose();
    }
  }

  passThrough(node: TapeNode): void {
    const dys = this.known.get(node);
    if (dys === undefined || node.isLeaf) return;
    engine.startScope(node.name);
    try {
      const mark = nextTensorId();
      node.pullBack(dys).forEach((cotangent, index) => {
        const parent = node.parents[index];
        if (cotangent !== undefined && parent) this.add(parent, cotangent, mark);
      });
    } finally {
      engine.endScope();
    }
    for (const dy of dys) dy?.dispose();
    this.known.delete(node);
  }

  result({node, output}: TapeRecord): Tensor | null {
    const cotangent = this.known.get(node)?.[output];
    return cotangent === undefined ? null : alias(cotangent);
  }

  free(): void {
    for (const ofNode of this.known.values()) for (const dy of ofNode) dy?.dispose();
    this.known.clear();
  }
}
