import type {Tensor} from '@tensorflow/tfjs-core';
import {TransformError} from '../errors.js';
import {assertAlive} from '../transforms/arguments.js';
import type {AnyRank} from '../types.js';
import {codeOf} from './code.js';
import {sameSpec, type Graph} from './graph.js';
import {Interpreter} from './interpreter.js';
import {graphFromJSON, graphToJSON, type SerializedGraph} from './serialize.js';
import {Structure} from './structure.js';

/** A function that runs a graph, on arguments of the shapes and dtypes that it was captured with. It works inside every transform. */
export interface GraphFunction<A extends unknown[] = unknown[], R = unknown> {
  /** @throws TransformError `graph-mismatch` for arguments of another form than those of the capture, `disposed-tensor` */
  (...args: AnyRank<A>): AnyRank<R>;
  readonly graph: Graph;
  /** The graph as text: JavaScript that computes the same with tfjs. See `codeOf`. */
  readonly code: string;
  /** The same function on what a pass makes of the graph: a new function, with constants of its own. */
  apply(pass: (graph: Graph) => Graph): GraphFunction<A, R>;
  toJSON(): SerializedFunction;
  /** Frees the constants of the graph. */
  dispose(): void;
}

/** A graph function in JSON. */
export interface SerializedFunction {
  readonly graph: SerializedGraph;
  readonly args: unknown;
  readonly result: unknown;
}

/** Makes a function of a graph whose inputs and outputs are the tensors of trees of these forms. */
export function graphFunction<A extends unknown[], R>(
  graph: Graph,
  args: Structure,
  result: Structure,
): GraphFunction<A, R> {
  const interpreter = new Interpreter(graph);
  const call = (...given: unknown[]): unknown => {
    const tensors = args.tensorsOf(given, 'arguments', 'makeFx');
    assertAlive(given, 'makeFx');
    return result.build(interpreter.run(tensors));
  };
  return Object.defineProperties(call, {
    graph: {value: graph, enumerable: true},
    code: {get: () => codeOf(graph), enumerable: true},
    apply: {
      value: (pass: (graph: Graph) => Graph) => {
        const passed = pass(graph);
        assertSameInterface(graph, passed);
        return graphFunction(passed, args, result);
      },
    },
    toJSON: {
      value: (): SerializedFunction => ({
        graph: graphToJSON(graph),
        args: args.toJSON(),
        result: result.toJSON(),
      }),
    },
    dispose: {value: () => graph.dispose()},
  }) as unknown as GraphFunction<A, R>;
}

/**
 * What `makeFx` gave, from its JSON. Variables have become constants, with the values that they had when the JSON was written.
 *
 * @param json  what `toJSON()` of the function gave, or `JSON.parse` of its text
 * @throws TransformError `invalid-graph` where it isn't such a thing
 * @example
 * const f = makeFx((x: tf.Tensor) => tf.mul(x, 2))(tf.scalar(1));
 * const again = compile.fromJSON(JSON.parse(JSON.stringify(f)));
 * again(tf.scalar(21))  // => 42
 */
export function fromJSON<A extends unknown[] = Tensor[], R = Tensor>(
  json: SerializedFunction,
): GraphFunction<A, R> {
  return graphFunction<A, R>(
    graphFromJSON(json.graph),
    Structure.fromJSON(json.args),
    Structure.fromJSON(json.result),
  );
}

function assertSameInterface(before: Graph, after: Graph): void {
  const specs = (graph: Graph) => [
    ...graph.inputs.map((node) => node.outputs[0]!),
    ...graph.outputs,
  ];
  const [old, now] = [specs(before), specs(after)];
  const same = old.length === now.length && old.every((spec, index) => sameSpec(spec, now[index]!));
  if (same && before.inputs.length === after.inputs.length) return;
  if (after !== before) after.dispose();
  throw new TransformError(
    `the pass gave a graph with other inputs or outputs: there were ${before.inputs.length} and ${before.outputs.length}, and are ` +
      `${after.inputs.length} and ${after.outputs.length}, or a shape or dtype differs. Make a function of it by an Interpreter instead.`,
    {code: 'invalid-graph', transform: 'compile'},
  );
}
