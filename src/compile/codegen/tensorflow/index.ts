import type {Segment} from '../../grouping.js';
import {tell} from '../../tell.js';
import {BACKEND, nodeBackend} from '../../tensorflow/backend.js';
import {noFiles} from '../../tensorflow/files.js';
import type {CompiledKernel, SegmentGenerator} from '../generator.js';
import {canRecord, loadSegment} from './segment.js';

/**
 * A call of the session costs as much as some five eager kernels (0.1 ms, 0.02 ms each), and gains what they cost, and the memory between
 * them, which TensorFlow uses again: two elementwise kernels on 2^18 floats are as fast either way.
 */
const FEWEST_KERNELS = 6;
const FEWEST_BYTES = 2 ** 19;

/** Graphs of TensorFlow's ops, which its session runs: whole graphs, but for kernels that can't be recorded (NOTE [recording]). */
export const tensorflowGenerator: SegmentGenerator = {
  name: 'TensorFlow graph',
  backend: BACKEND,
  unavailable() {
    const backend = nodeBackend();
    if (backend === null) return "tfjs-node's backend doesn't show its binding in this version";
    // Sessions take and give tensors in the host's memory.
    if (backend.isUsingGpuDevice) return 'sessions of tfjs-node keep no tensors on a GPU';
    return noFiles();
  },
  takes: canRecord,
  compileSegment,
};

function compileSegment(segment: Segment): CompiledKernel | null {
  if (segment.nodes.length < FEWEST_KERNELS && bytesInside(segment) < FEWEST_BYTES) return null;
  try {
    return loadSegment(segment);
  } catch (error) {
    // The graph is larger than 2 GB, or has an op from a kernel of somebody's own without all its attributes.
    tell(`TensorFlow did not load a graph (${String(error)})`);
    return null;
  }
}

/** Bytes of the values that nothing outside takes. */
function bytesInside({nodes, outputs}: Segment): number {
  const inside = nodes.flatMap((node) => node.outputs).filter((value) => !outputs.includes(value));
  return inside.reduce((sum, {bytes}) => sum + bytes, 0);
}
