import type {KernelNode, Value} from '../../graph.js';
import type {Segment} from '../../grouping.js';
import {nodeBackend} from '../../tensorflow/backend.js';
import {showOps} from '../../tensorflow/graphDef.js';
import {OpGraph} from '../../tensorflow/opGraph.js';
import {recordKernel, type Recording} from '../../tensorflow/recorder.js';
import {Session} from '../../tensorflow/session.js';
import type {CompiledKernel} from '../generator.js';

/** Constants up to this size are part of TensorFlow's graph, which folds them; of larger ones it would have a copy. */
const LARGEST_CONSTANT = 2 ** 20;

/** What was recorded of a node when it was asked for, until its segment is compiled. */
const recorded = new WeakMap<KernelNode, Recording>();

/** Whether the ops of a kernel call can be found out. */
export function canRecord(node: KernelNode): boolean {
  try {
    recorded.set(node, recordKernel(nodeBackend()!, node));
    return true;
  } catch {
    // It runs as tfjs's own kernel, which says what is wrong if anything is.
    return false;
  }
}

/**
 * Has TensorFlow load a segment of nodes that can be recorded.
 * @throws Error  of TensorFlow, or of the file system
 */
export function loadSegment({nodes, inputs, outputs}: Segment): CompiledKernel {
  const backend = nodeBackend()!;
  const graph = new OpGraph(backend);
  const isFed = inputs.map(isPlaceholder);
  const placeholders = inputs
    .filter((_, index) => isFed[index])
    .map((value) => graph.addInput(value, value.name));
  for (const node of nodes) graph.addKernel(node, recorded.get(node)!);
  const results = outputs.map((value) => graph.addOutput(value, `${value.name}/result`));
  const session = new Session(backend, graph.nodes, placeholders, results);
  return {
    listing: showOps(graph.nodes),
    run: (tensors) => session.run(tensors.filter((_, index) => isFed[index])),
    dispose: () => session.dispose(),
  };
}

const isPlaceholder = ({node, bytes}: Value): boolean =>
  node.kind !== 'constant' || bytes > LARGEST_CONSTANT;
