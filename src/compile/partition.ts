import {extractGraph} from './extract.js';
import {listOf, type Graph, type KernelNode, type Node, type Value} from './graph.js';
import {isElementwise, layoutKernels, reductionKernels} from './kinds.js';
import {FlowNetwork} from './maxFlow.js';
import {neededNodes} from './passes/deadCode.js';

/**
 * A function and its reverse pass in one graph. Its inputs are `numPrimals` arguments of the function, then a cotangent for each
 * differentiable output; its outputs are `numOutputs` results of the function, then the gradients.
 */
export interface JointGraph {
  readonly graph: Graph;
  readonly numPrimals: number;
  readonly numOutputs: number;
}

/**
 * The two passes apart. `forward` takes the primals and gives the outputs, then what it saves; `backward` takes what was saved, then
 * the cotangents, and gives the gradients.
 */
export interface Partition {
  readonly forward: Graph;
  readonly backward: Graph;
}

/** Decides what the forward pass saves for the reverse pass, and what the latter computes again. The joint graph stays the caller's. */
export type PartitionFunction = (joint: JointGraph) => Partition;

/** Both passes, with the given values saved in between. */
function split({graph, numPrimals, numOutputs}: JointGraph, saved: readonly Value[]): Partition {
  const inputs = graph.inputs.map((node) => node.outputs[0]!);
  const outputs = graph.outputs.slice(0, numOutputs);
  const forward = extractGraph(graph, inputs.slice(0, numPrimals), [...outputs, ...saved]);
  try {
    const given = [...saved, ...inputs.slice(numPrimals)];
    return {forward, backward: extractGraph(graph, given, graph.outputs.slice(numOutputs))};
  } catch (error) {
    forward.dispose();
    throw error;
  }
}

/** What is known of the nodes of a joint graph. */
class Passes {
  /** Nodes that the outputs depend on. */
  readonly forward: ReadonlySet<Node>;
  /** Nodes that the gradients depend on. */
  readonly backward: ReadonlySet<Node>;
  /** Values that depend on cotangents: only the reverse pass can compute them. */
  private readonly late = new Set<Value>();

  constructor(readonly joint: JointGraph) {
    const {graph, numPrimals, numOutputs} = joint;
    this.forward = neededNodes(graph, graph.outputs.slice(0, numOutputs));
    this.backward = neededNodes(graph, graph.outputs.slice(numOutputs));
    for (const node of graph.inputs.slice(numPrimals)) this.late.add(node.outputs[0]!);
    for (const node of graph.kernels) {
      if (!listOf(node.inputs).some((value) => this.late.has(value))) continue;
      for (const value of node.outputs) this.late.add(value);
    }
  }

  /** Whether a value can be saved: constants and variables are there anyway. */
  canSave(value: Value): boolean {
    return (value.node.kind === 'kernel' || value.node.kind === 'input') && !this.late.has(value);
  }

  isLate({outputs}: KernelNode): boolean {
    return outputs.some((value) => this.late.has(value));
  }

  get gradients(): readonly Value[] {
    return this.joint.graph.outputs.slice(this.joint.numOutputs);
  }
}

/**
 * The forward pass computes what its outputs take, the reverse pass all the rest, and saved is whatever of the former the latter uses: nothing
 * is computed twice. What one gets from reverse mode without a compiler.
 */
export const defaultPartition: PartitionFunction = (joint) => {
  const passes = new Passes(joint);
  const {forward, backward, gradients} = passes;
  const used = new Set<Value>();
  const use = (value: Value): void => {
    const isForward = value.node.kind === 'input' || forward.has(value.node);
    if (isForward && passes.canSave(value)) used.add(value);
  };
  for (const node of joint.graph.kernels) {
    if (backward.has(node) && !forward.has(node)) listOf(node.inputs).forEach(use);
  }
  gradients.forEach(use);
  return split(joint, [...used]);
};

export interface RecomputeOptions {
  /**
   * Whether the reverse pass may compute a call of the forward pass again. Default: elementwise kernels, moves of elements, and reductions
   * whose result isn't much smaller than what they read; products, convolutions, pools, sorts and scans never.
   */
  readonly canRecompute?: (node: KernelNode) => boolean;
}

/** Kernels that are cheap beside the memory that they read and write. */
const cheap: ReadonlySet<string> = new Set([
  'GatherNd',
  'GatherV2',
  'OneHot',
  'Real',
  'Imag',
  'Complex',
]);

/** A reduction to less than a quarter of what it reads is worth its few bytes. */
const SMALLER = 4;

function isCheap({kernel, inputs, outputs}: KernelNode): boolean {
  if (isElementwise(kernel) || layoutKernels.has(kernel) || cheap.has(kernel)) return true;
  if (!reductionKernels.has(kernel)) return false;
  return listOf(inputs)[0]!.bytes <= SMALLER * outputs[0]!.bytes;
}

/**
 * Saves as few bytes as possible between the passes: a minimal cut through the graph from the arguments to the reverse pass, where what is not
 * saved is computed again from what is. Of equal cuts it takes the one with more arguments in it, which are alive anyway, then the one
 * that computes least again. Never saves more bytes than `defaultPartition`.
 *
 * @see https://pytorch.org/functorch/stable/aot_autograd.html for `min_cut_rematerialization_partition`, whose idea this is
 */
export const minCutRematerializationPartition: PartitionFunction = (joint) =>
  minCutPartition({})(joint);

/** `minCutRematerializationPartition` with a choice of its own of what may be computed again. */
export const minCutPartition =
  ({canRecompute = isCheap}: RecomputeOptions): PartitionFunction =>
  (joint) =>
    split(joint, minimalCut(new Passes(joint), canRecompute));

function minimalCut(passes: Passes, canRecompute: (node: KernelNode) => boolean): Value[] {
  const {forward, backward, gradients, joint} = passes;
  const network = new FlowNetwork();
  const [source, sink] = [network.addNode(), network.addNode()];
  const values = joint.graph.nodes.flatMap(({outputs}) => outputs.filter((v) => passes.canSave(v)));
  // Bytes first; of equal numbers of bytes fewer tensors that aren't arguments.
  const perByte = values.length + 1;
  const places = new Map<Value, {into: number; out: number}>();
  for (const value of values) {
    const place = {into: network.addNode(), out: network.addNode()};
    const isInput = value.node.kind === 'input';
    network.addEdge(place.into, place.out, value.bytes * perByte + (isInput ? 0 : 1));
    places.set(value, place);
    if (isInput) network.addEdge(source, place.into, Infinity);
  }
  const toSink = (value: Value): void => {
    const place = places.get(value);
    if (place !== undefined) network.addEdge(place.out, sink, Infinity);
  };
  for (const node of joint.graph.kernels) {
    if (passes.isLate(node)) {
      if (backward.has(node)) new Set(listOf(node.inputs)).forEach(toSink);
      continue;
    }
    const mustBeSaved = forward.has(node) && !canRecompute(node);
    for (const value of node.outputs) {
      const {into} = places.get(value)!;
      if (mustBeSaved) network.addEdge(source, into, Infinity);
      for (const input of new Set(listOf(node.inputs))) {
        const place = places.get(input);
        if (place !== undefined) network.addEdge(place.out, into, Infinity);
      }
    }
  }
  gradients.forEach(toSink);
  network.maximize(source, sink);
  const onSinkSide = network.sinkSide(sink);
  return values.filter((value) => {
    const {into, out} = places.get(value)!;
    return !onSinkSide[into]! && onSinkSide[out]!;
  });
}

/** Bytes of what the forward pass saves for the reverse pass. */
export function savedBytes({forward}: Partition, {numOutputs}: JointGraph): number {
  const saved = new Set(forward.outputs.slice(numOutputs));
  return [...saved].reduce((bytes, value) => bytes + value.bytes, 0);
}
