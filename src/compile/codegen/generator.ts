import type {Tensor} from '@tensorflow/tfjs-core';
import type {Group, Segment} from '../grouping.js';
import type {KernelNode} from '../graph.js';
import type {Role} from '../layout.js';

/** Generated code that runs. */
export interface CompiledKernel {
  /** What was generated, for people to read. */
  readonly listing: string;
  /**
   * Computes the outputs of the group, in its order, from tensors for its inputs, in its order, none of them traced. The results are new
   * tensors of the backend that belong to the open scope; an input is only read.
   */
  run(inputs: readonly Tensor[]): Tensor[];
  /** Frees what it holds. */
  dispose?(): void;
}

interface Generator {
  /** For messages and listings. */
  readonly name: string;
  /** The tfjs backend that it writes kernels for. */
  readonly backend: string;
  /** Why it can't work here, now that its backend is in use, or null. */
  unavailable(): string | null;
}

/** Makes one kernel of calls that share a space to iterate over. */
export interface GroupGenerator extends Generator {
  /** The most tensors that a group of it may take and give. Default 48. */
  readonly mostTensors?: number;
  /**
   * What a kernel call can be in a fused group; null for what the generator doesn't compute, or not for these shapes, dtypes and attributes.
   * The result of a group must equal what tfjs's own kernels give.
   */
  roleOf(node: KernelNode): Role | null;
  /** Compiles a group of nodes to which it gave roles. */
  compileGroup(group: Group): CompiledKernel;
  /** Compiles a kernel call that stands by itself (a matrix product), or gives null where tfjs's own kernel is as good. */
  compileKernel?(node: KernelNode): CompiledKernel | null;
}

/** Hands parts of graphs, or whole ones, to something that runs graphs itself. */
export interface SegmentGenerator extends Generator {
  /** Whether a kernel call can be in a segment. The result of a segment must equal what tfjs's own kernels give, up to rounding. */
  takes(node: KernelNode): boolean;
  /** Compiles a segment of nodes that it takes, or gives null where tfjs's own kernels are as good. */
  compileSegment(segment: Segment): CompiledKernel | null;
}

/**
 * NOTE [generator]
 * A code generator makes kernels of a tfjs backend from several kernel calls. All that the compiler knows of one is this interface: it either
 * generates loops, for groups of calls that one loop can compute (NOTE [fusion]), or hands on whole parts of the graph (NOTE [segments]).
 * What a generator doesn't take runs as tfjs's own kernel, so that a generator may begin with a few kernels and grow.
 */
export type CodeGenerator = GroupGenerator | SegmentGenerator;
