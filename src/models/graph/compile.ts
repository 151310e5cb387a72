import type {NamedTensorMap, Tensor} from '@tensorflow/tfjs-core';
import {
  inputRefs,
  nameIn,
  parseRef,
  reachable,
  unsupported,
  type Executor,
  type GraphNode,
  type Ref,
} from './nodes.js';
import {Dataflow} from './dataflow.js';
import {TensorList} from './lists.js';
import type {Program} from './program.js';
import {runProgram} from './run.js';
import {kindOf} from './ops.js';
import {Scope} from './scope.js';
import type {ExecutorClass} from './segments.js';

/** Programs by what is given and what is wanted; null where tfjs's own executor is enough. */
const programs = new WeakMap<Executor, Map<string, Program | null>>();

/**
 * What `executor.execute` computes, for graphs with control flow too. See NOTE [graph models].
 * @throws TransformError `unsupported-op`
 */
export function execute(
  executor: Executor,
  inputs: NamedTensorMap,
  outputs: readonly string[],
  caller: string,
): Tensor[] {
  const given = executor.mapInputs(inputs);
  executor.checkInputs(given);
  executor.checkInputShapeAndType(given);
  const wanted = executor.mapOutputs(outputs);
  executor.checkOutputs(wanted);
  const names = Object.keys(given);
  const program = programFor(executor, names, wanted, caller);
  if (program === null) return executor.execute(inputs, outputs);
  const {weightMap: weights, graph} = executor;
  const results = runProgram(program, Object.values(given), [], {weights, caller});
  return results.map((value, place) => {
    if (!(value instanceof TensorList)) return value;
    const {node} = refOf(graph.nodes, wanted[place]!);
    throw unsupported(node, 'gives a list of tensors, which is no output of a model.', caller);
  });
}

const refOf = (nodes: Executor['graph']['nodes'], name: string): Ref =>
  parseRef(name, nodes[nameIn(name)]!);

function programFor(
  executor: Executor,
  given: readonly string[],
  wanted: readonly string[],
  caller: string,
): Program | null {
  const known = programs.get(executor) ?? new Map<string, Program | null>();
  programs.set(executor, known);
  const key = JSON.stringify([given, wanted]);
  let program = known.get(key);
  if (program === undefined) {
    program = compile(executor, given, wanted, caller);
    known.set(key, program);
  }
  return program;
}

function compile(
  executor: Executor,
  inputs: readonly string[],
  wanted: readonly string[],
  caller: string,
): Program | null {
  const {graph, weightMap} = executor;
  const parameters = inputs.map((name) => refOf(graph.nodes, name));
  const outputs = wanted.map((name) => refOf(graph.nodes, name));
  const given = new Set(parameters.map(({node}) => node));
  const isGiven = (node: GraphNode): boolean => given.has(node);
  const needed = [...reachable(outputs, isGiven, inputRefs).values()].map(({node}) => node);
  if (needed.every((node) => isGiven(node) || kindOf(node) === 'plain')) return null;
  const shared = {
    functions: graph.functions ?? {},
    weights: new Set(Object.keys(weightMap)),
    makeExecutor: executor.constructor as ExecutorClass,
    caller,
  };
  const scope = new Scope(shared, new Dataflow(outputs, isGiven, caller), null);
  for (const ref of parameters) scope.parameter(ref);
  return scope.finish(outputs.map((ref) => scope.slotOf(ref)));
}
