import {TransformError} from '../../errors.js';
import {engine} from '../../interpreter/engine.js';
import {assertAlive, assertFunction} from '../../transforms/arguments.js';
import type {AnyRank} from '../../types.js';
import {capture, type Captured} from '../capture.js';
import {listOf, showSpec, type KernelNode, type TensorSpec, type Value} from '../graph.js';
import {optimize} from '../passes/index.js';
import {BACKEND, nodeBackend, type NodeBackend} from './backend.js';
import {writeFile} from './files.js';
import {
  bytesOfConstants,
  MODEL_FILE,
  savedModel,
  type NamedTensor,
  type OpNode,
} from './graphDef.js';
import {OpGraph} from './opGraph.js';
import {recordKernel, type Recording} from './recorder.js';

export interface SavedModelOptions {
  /** The name of the signature. Default `'serving_default'`. */
  readonly signature?: string;
}

/** What a SavedModel takes and gives, by the names of its signature. */
export interface SavedModelSignature {
  readonly signature: string;
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  readonly outputs: Readonly<Record<string, TensorSpec>>;
}

const TRANSFORM = 'exportSavedModel';

/** Protocol buffers can't be larger. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Writes what a function computes as a TensorFlow SavedModel, which Python's TensorFlow, TensorFlow Serving and
 * `tf.node.loadSavedModel` load and run. The function is captured as by `makeFx`, with all that transforms make of it, and written as ops of
 * TensorFlow: those that tfjs-node's kernels consist of (NOTE [recording]). It takes the tensorflow backend.
 *
 * The names of the signature say where tensors are: `arg0` is the first argument, `arg0_w` the entry `w` of it, `arg0_1` its entry 1;
 * `result` is a result that is one tensor, `result_w` or `result_1` is an entry of one that is a tree. Shapes are those of the arguments.
 * Tensors that the function holds are constants of the model, and `tf.Variable`s are, with the values that they have now.
 *
 * @param f  as for `makeFx`
 * @param args  example arguments
 * @param directory  is made if it isn't there; a model in it is replaced
 * @returns  the signature that was written
 * @throws TransformError as `makeFx`; `not-exportable` without tfjs-node, for a kernel that TensorFlow's ops can't be found for, and for more
 *   than 2 GB
 * @example
 * await tf.setBackend('tensorflow');
 * const loss = ({w}: {w: tf.Tensor}, x: tf.Tensor) => tf.sum(tf.square(tf.mul(w, x)));
 * const slopes = vmap(grad(loss), {inDims: [null, 0]});
 * const {inputs, outputs} = compile.exportSavedModel(slopes, [{w: tf.tensor1d([1, 2])}, tf.ones([3, 2])], '/tmp/slopes');
 * Object.keys(inputs)  // => ["arg0_w", "arg1"]
 * outputs  // => {"result_w": {"shape": [3, 2], "dtype": "float32"}}
 */
export function exportSavedModel<A extends unknown[], R>(
  f: (...args: A) => R,
  args: AnyRank<A>,
  directory: string,
  {signature = 'serving_default'}: SavedModelOptions = {},
): SavedModelSignature {
  assertFunction(f, TRANSFORM);
  assertAlive(args, TRANSFORM);
  const backend = nodeBackend();
  if (backend === null) {
    throw notExportable(
      `the backend in use is '${engine.backendName}', but the ops of TensorFlow are those of tfjs-node's kernels. Import ` +
        `'@tensorflow/tfjs-node', and call await tf.setBackend('${BACKEND}') first.`,
    );
  }
  const captured = capture(f as never, args, TRANSFORM);
  const graph = optimize(captured.graph);
  try {
    const {nodes, inputs, outputs} = opsOf(backend, {...captured, graph});
    const bytes = bytesOfConstants(nodes);
    if (bytes > MOST_BYTES) {
      throw notExportable(
        `the model's constants take ${bytes} bytes, and a SavedModel's graph can have no more than 2 GB. Make large tensors arguments instead of constants.`,
      );
    }
    writeFile(directory, MODEL_FILE, savedModel(nodes, {name: signature, inputs, outputs}));
    return {signature, inputs: specsOf(inputs), outputs: specsOf(outputs)};
  } finally {
    graph.dispose();
    captured.graph.dispose();
  }
}

interface Ops {
  readonly nodes: readonly OpNode[];
  readonly inputs: readonly NamedTensor[];
  readonly outputs: readonly NamedTensor[];
}

/** A captured function as ops of TensorFlow. */
function opsOf(backend: NodeBackend, {graph, inputs, outputs}: Captured): Ops {
  const ops = new OpGraph(backend);
  const named = (values: readonly Value[], add: (value: Value, index: number) => string) =>
    values.map((value, index): NamedTensor => {
      const name = add(value, index);
      return {name, source: `${name}:0`, shape: value.shape, dtype: value.dtype};
    });
  const inputNames = inputs.names((key) => `arg${key}`);
  const given = named(
    graph.inputs.map((node) => node.outputs[0]!),
    (value, index) => ops.addInput(value, asIdentifier(inputNames[index]!)),
  );
  for (const {outputs, variable} of graph.variables) ops.addConstant(outputs[0]!, variable);
  for (const node of graph.kernels) ops.addKernel(node, recordingOf(backend, node));
  const outputNames = outputs.names((key) => (key === undefined ? 'result' : `result_${key}`));
  const results = named(graph.outputs, (value, index) =>
    ops.addOutput(value, asIdentifier(outputNames[index]!)),
  );
  return {nodes: ops.nodes, inputs: given, outputs: results};
}

/** @throws TransformError `not-exportable` */
function recordingOf(backend: NodeBackend, node: KernelNode): Recording {
  try {
    return recordKernel(backend, node);
  } catch (cause) {
    const inputs = listOf(node.inputs).map(showSpec).join(', ');
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw notExportable(
      `kernel '${node.kernel}' of ${inputs} can't be written as ops of TensorFlow: ${reason}. Write the function without it, or compute this part ` +
        `outside and pass it as an argument.`,
      {kernel: node.kernel, cause},
    );
  }
}

const specsOf = (tensors: readonly NamedTensor[]): Record<string, TensorSpec> =>
  Object.fromEntries(tensors.map(({name, shape, dtype}) => [name, {shape, dtype}]));

/** What Python takes for the name of an argument. */
const asIdentifier = (name: string): string => name.replace(/[^A-Za-z0-9_]/g, '_');

const notExportable = (
  message: string,
  details: {readonly kernel?: string; readonly cause?: unknown} = {},
): TransformError =>
  new TransformError(message, {code: 'not-exportable', transform: TRANSFORM, ...details});
